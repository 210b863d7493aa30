// What tests of train, evaluate and score need: parameters made by the tables that users' files go through, a
// reporter that remembers, and a context to run a step in.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"
#include "runtime/field.h"
#include "runtime/step.h"
#include "steps/registry.h"
#include "steps/specs.h"

namespace rankflow {

std::unique_ptr<Step> make_train();
std::unique_ptr<Step> make_evaluate();
std::unique_ptr<Step> make_score();

/// The values that a pipeline file with these keys would give.
inline Json parameters_of(const std::string& type, const Json& keys) {
  const StepSpecs specs = all_step_specs();
  const StepSpec& spec = *specs.find(type);
  const Json all = validate(Node::from_json(keys), spec.fields, "test.yaml", "");
  spec.check(all);
  return all;
}

/// Keeps what a step reports, and calls `on_progress` each time.
class RecordingReporter : public Reporter {
 public:
  std::function<void()> on_progress = [] {};
  std::vector<std::string> notes;
  Json results = Json::object();
  Json metrics = Json::array();
  double done = 0, total = 0;
  Json shown;  // beside the progress, the last time

  void progress(double d, double t, const std::string&, const std::string&, const Json& beside) override {
    done = d, total = t, shown = beside;
    on_progress();
  }
  void metric(const std::string& name, double value, std::int64_t at) override {
    metrics.push_back({name, value, at});
  }
  void result(const std::string& name, const Json& value) override { results[name] = value; }
  void note(const std::string& text) override { notes.push_back(text); }
};

/// One run of a step: its only output goes to `folder`/<output>, its checkpoints to `folder`/checkpoints.
class StepRun {
 public:
  StepRun(Communicator& comm, const std::string& type, const Json& keys, const std::string& folder,
          std::map<std::string, std::string> inputs)
      : StepRun(comm, type, parameters_of(type, keys), folder, std::move(inputs), output_of(type)) {}

  void run() {
    const std::string type = context.step;
    const auto step = type == "train" ? make_train() : type == "evaluate" ? make_evaluate() : make_score();
    step->run(context);
  }
  /// Asks for a stop at the `reports`-th report of progress, which only the first rank makes: the others learn it from it.
  void run_until_stopped_after(int reports) {
    report.on_progress = [this, reports]() mutable {
      if (--reports == 0) stop.request();
    };
    EXPECT_THROW(run(), Stopped);
  }
  const std::string& output() const { return context.outputs.begin()->second; }

  Timeline timeline;
  StopFlag stop, cancel;
  RecordingReporter report;
  StepContext context;

 private:
  StepRun(Communicator& comm, const std::string& type, Json parameters, const std::string& folder,
          std::map<std::string, std::string> inputs, const std::string& output)
      : context{.comm = comm,
                .step = type,
                .parameters = std::move(parameters),
                .inputs = std::move(inputs),
                .outputs = {{output, folder + "/" + output}},
                .checkpoints = folder + "/checkpoints",
                .log_folder = {},
                .folder = folder,
                .hosts = {},
                .timeline = timeline,
                .stop = stop,
                .cancel = cancel,
                .report = report} {
    if (comm.rank() == 0) make_directories(folder + "/" + output);
    comm.barrier();
  }
  static std::string output_of(const std::string& type) {
    return type == "train" ? "model" : type == "evaluate" ? "metrics" : "scores";
  }
};

}  // namespace rankflow
