// A Python script of the user's, in a child process of the rank.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/shortened.h"
#include "base/text.h"
#include "io/file.h"
#include "runtime/step_failure.h"
#include "steps/child_channel.h"
#include "steps/entry_program.h"
#include "steps/rankflow_step_source.h"

namespace rankflow {
namespace {

/// To load what the script imports, and for init(), which reads models.
double seconds_to_start(double timeout) {
  return std::max(10 * timeout, seconds_for_script);
}

class ScriptProgram : public EntryProgram {
 public:
  ScriptProgram(StepContext& context, std::string path, std::optional<double> timeout, ProgramRows wanted)
      : context_(context),
        path_(std::move(path)),
        timeout_(timeout.value_or(seconds_for_script)),
        wanted_(wanted) {}

  std::string run(const ScriptInput& input, Range rows) override {
    if (!process_) start();
    ChildMessage answer;
    try {
      answer = process_->ask(input.head(rows), input.payload(rows), timeout_);
    } catch (...) {
      process_.reset();  // the next attempt gets a new one
      throw;
    }
    if (answer.head.at("kind") == "failed") throw failure(answer.head);
    for (const Json& m : answer.head.at("metrics")) {
      const double value = m[1].is_null() ? std::numeric_limits<double>::quiet_NaN() : m[1].get<double>();
      context_.report.metric(m[0], value, m[2]);
      context_.report.result(m[0], m[1]);  // the last one counts
    }
    return std::move(answer.payload);
  }

  const std::string& path() const override { return path_; }

 private:
  void start() {
    const std::string module = str(context_.checkpoints, "/python-", unique_suffix());
    make_directories(module);
    write_file_atomically(module + "/rankflow_step.py", rankflow_step_source, /*durable=*/false);
    SpawnRequest request;
    request.argv = {interpreter(), "-u", module + "/rankflow_step.py"};
    request.folder = context_.folder;
    request.output = str(context_.log_folder, "/rank-", context_.comm.rank(), ".log");
    auto variables = environment_of_one_core();
    variables.insert_or_assign("PYTHONDONTWRITEBYTECODE", "1");
    request.environment = environment_list(variables);
    process_ = std::make_unique<ChildChannel>(*context_.spawner, std::move(request), interpreter(),
                                              [this] { return context_.stop.requested(); });
    const Json start = {{"script", path_},
                        {"step", context_.step},
                        {"rank", context_.comm.rank()},
                        {"ranks", context_.comm.size()},
                        {"inputs", context_.inputs},
                        {"outputs", context_.outputs},
                        {"rows", wanted_ == ProgramRows::results ? "results" : "table"},
                        {"parameters", context_.parameters.value("parameters", Json::object())}};
    try {
      const auto answer = process_->ask(start, {}, seconds_to_start(timeout_));
      if (answer.head.at("kind") != "ready") throw StepFailure(failure(answer.head));
    } catch (...) {
      process_.reset();
      throw;
    }
  }

  std::string interpreter() const {
    const std::string python = context_.parameters.at("python");
    return python.find('/') == std::string::npos ? python
           : python.starts_with('/')             ? python
                                                 : str(context_.folder, "/", python);
  }

  Error failure(const Json& answer) const {
    const std::string trace = shortened(trim(answer.at("traceback").get<std::string>()), longest_failure),
                      error = shortened(answer.at("error").get<std::string>(), longest_failure / 4);
    log::error(str(path_, ": ", trace));
    return {ExitStatus::step_failed,
            str(context_.parameters.at("entry_script").get<std::string>(), ": ", error, "\n", trace, "\n"),
            str("rankflow logs ", context_.step)};
  }

  StepContext& context_;
  const std::string path_;
  const double timeout_;
  const ProgramRows wanted_;
  std::unique_ptr<ChildChannel> process_;
};

}  // namespace

std::unique_ptr<EntryProgram> make_script_program(StepContext& context, const std::string& path,
                                                  std::optional<double> timeout, ProgramRows wanted) {
  return std::make_unique<ScriptProgram>(context, path, timeout, wanted);
}

}  // namespace rankflow
