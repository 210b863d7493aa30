// Runs one step as a pipeline would, on a given communicator and without a store.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/timeline.h"
#include "collectives/agreement.h"
#include "collectives/communicator.h"
#include "io/file.h"
#include "runtime/field.h"
#include "runtime/step.h"
#include "runtime/step_spec.h"

namespace rankflow {

/// Keeps what a step reports.
class RecordingReporter : public Reporter {
 public:
  void progress(double, double, const std::string&, const std::string&, const Json&) override {}
  void metric(const std::string& name, double value, std::int64_t) override { metrics[name] = value; }
  void result(const std::string& name, const Json& value) override { results[name] = value; }
  void note(const std::string& text) override { notes.push_back(text); }

  std::map<std::string, double> metrics;  // the latest of each
  Json results = Json::object();
  std::vector<std::string> notes;
};

/// Validates `parameters` (without defaults) by the step type's table, makes a folder below `folder` for each
/// of its outputs and runs it. Collective; `folder` is the same on all ranks. Returns what the first rank
/// reported. `earlier`: what an earlier run left; this run's takes its place. `to`: reported to instead of one made here.
inline Json run_step(Step& step, const StepSpec& spec, Communicator& comm, const Json& parameters,
                     const std::map<std::string, std::string>& inputs, const std::string& folder,
                     std::optional<Predecessor>* earlier = nullptr, RecordingReporter* to = nullptr) {
  const Json complete = validate(Node::from_json(parameters), spec.fields, "test.yaml", spec.type);
  spec.check(complete);
  std::map<std::string, std::string> outputs;
  for (const OutputSpec& output : spec.outputs(complete)) {
    outputs[output.name] = folder + "/" + output.name;
    if (comm.rank() == 0) make_directories(outputs[output.name]);
  }
  comm.barrier();
  Timeline timeline;
  StopFlag stop, cancel;
  RecordingReporter own;
  RecordingReporter& reporter = to ? *to : own;
  StepContext context{.comm = comm,
                      .step = spec.type,
                      .parameters = complete,
                      .inputs = inputs,
                      .outputs = outputs,
                      .checkpoints = folder + "/checkpoints",
                      .log_folder = folder + "/logs",
                      .folder = folder,
                      .local_rank = comm.rank(),
                      .local_size = comm.size(),
                      .hosts = std::vector<std::string>(comm.size(), "localhost"),
                      .timeline = timeline,
                      .stop = stop,
                      .cancel = cancel,
                      .report = reporter};
  if (earlier) context.earlier = *earlier;
  step.run(context);
  if (earlier) earlier->emplace(outputs, Json::parse(comm.broadcast_text(context.notes.dump())));
  return reporter.results;
}

}  // namespace rankflow
