#include "launchers/live_frame.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

constexpr std::size_t most_lines = 20;  // of running steps: a frame must fit a terminal
constexpr int bar_width = 20;

std::string bar(double done, double total) {
  const int filled = static_cast<int>(std::floor(bar_width * std::clamp(done / total, 0.0, 1.0)));
  return str("[", std::string(static_cast<std::size_t>(filled), '#'),
             std::string(static_cast<std::size_t>(bar_width - filled), '.'), "]");
}

// Fractions of a second would flicker.
std::string whole_seconds(double seconds) {
  return seconds < 60 ? str(std::llround(seconds), " s") : human_seconds(seconds);
}

}  // namespace

std::vector<std::string> progress_parts(const StepView& step) {
  std::vector<std::string> parts;
  if (step.total > 0)
    parts.push_back(str(std::floor(100 * std::clamp(step.done / step.total, 0.0, 1.0)), " %"));
  if (step.rate > 0 && step.total > step.done) {
    parts.push_back(str(whole_seconds(std::ceil((step.total - step.done) / step.rate)), " left"));
  }
  if (!step.text.empty()) parts.push_back(step.text);
  if (step.rate > 0) parts.push_back(str(human_count(std::llround(step.rate)), " ", step.unit, "/s"));
  if (const auto metrics = metrics_text(step.metrics, 3); !metrics.empty()) parts.push_back(metrics);
  return parts;
}

std::vector<std::string> live_frame(const RunView& run, double now, std::size_t width, bool color) {
  std::vector<std::string> lines;
  std::size_t names = 0, running = 0;
  for (const auto& step : run.steps()) {
    if (step.status == "running") names = std::max(names, std::min<std::size_t>(step.name.size(), 24));
  }
  for (const auto& step : run.steps()) {
    if (step.status != "running" || ++running > most_lines) continue;
    std::string name = fit(step.name, names);
    name.append(names - display_width(name), ' ');
    const std::string ranks =
        step.rank_count ? counted(static_cast<std::size_t>(step.rank_count), "rank") : "";
    std::string text = str(name, "  ", ranks, "  ");
    if (step.total > 0) text += str(bar(step.done, step.total), " ");
    auto parts = progress_parts(step);
    if (parts.empty()) parts.push_back(whole_seconds(std::floor(now - step.started)));
    lines.push_back(fit(text + join(parts, "  "), width - 1));
  }
  if (running > most_lines) lines.push_back(str("… and ", running - most_lines, " more running"));
  const auto finished = std::count_if(run.steps().begin(), run.steps().end(),
                                      [](const StepView& s) { return s.finished() && s.status != "left"; });
  const std::string summary =
      str(finished, " of ", counted(run.steps().size() - run.count("left"), "step"), " finished, ", running,
          " running, ", run.count("waiting"), " waiting, ", whole_seconds(std::floor(now - run.started())));
  lines.push_back(colored(fit(summary, width - 1), Color::dim, color));
  return lines;
}

}  // namespace rankflow
