#include "steps/training_log.h"

#include <fcntl.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr double shown_every_seconds = 1;

long long percent(double part, double whole) {
  return whole > 0 ? std::llround(100 * part / whole) : 0;
}

/// "6 % communication, 1 % input".
std::string waiting(const TimeSpent& spent) {
  return str(percent(spent.communication, spent.total), " % communication, ",
             percent(spent.input, spent.total), " % input");
}

}  // namespace

void TrainingLog::write(const std::string& text) {
  if (!context_.first() || context_.log_folder.empty()) return;
  File log(context_.log_folder + "/rank-0.log", O_WRONLY | O_CREAT | O_APPEND);
  log.write_all(text);
  log.close();
}

void TrainingLog::batch(const TrainingPlan& plan, const TrainingProgress& progress, std::int64_t rows,
                        double loss, const TimeSpent& spent) {
  if (!context_.first()) return;
  const double done =
      static_cast<double>(progress.epoch * rows + std::min(rows, progress.batch * plan.batch_size));
  context_.report.progress(done, static_cast<double>(plan.epochs * rows), "samples",
                           str("epoch ", progress.epoch + 1, "/", plan.epochs),
                           {{"loss", loss}, {"waiting", waiting(spent)}});
}

void TrainingLog::epoch(const TrainingPlan& plan, const Json& metrics, double learning_rate,
                        const TimeSpent& spent) {
  if (!context_.first()) return;
  const std::int64_t epoch = metrics.at("epoch");
  const TimeSpent epoch_spent = spent - before_;
  before_ = spent;
  std::vector<std::string> parts;
  for (const auto& [name, value] : metrics.items()) {
    if (name == "epoch") continue;
    context_.report.metric(name, value, epoch);
    parts.push_back(str(name, " ", significant(value.get<double>())));
  }
  context_.report.metric("learning_rate", learning_rate, epoch);
  context_.report.metric("samples_per_second", epoch_spent.samples_per_second(), epoch);
  parts.push_back(str("learning rate ", significant(learning_rate)));
  parts.push_back(str(human_count(std::llround(epoch_spent.samples_per_second())), " samples/s"));
  parts.push_back("waiting: " + waiting(epoch_spent));
  const std::string line = str("epoch ", epoch, "/", plan.epochs, ": ", join(parts, ", "));
  write(line + "\n");
  const double now = monotonic_seconds();
  if (now - last_line_ < shown_every_seconds && epoch < plan.epochs) return;
  last_line_ = now;
  context_.report.note(line);
}

}  // namespace rankflow
