// What a step type *does*: code that a group of ranks runs together, and all it is given. A step never knows
// where the store is; it reads inputs at paths and writes outputs into directories that are published after
// it returned.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/timeline.h"
#include "collectives/communicator.h"
#include "io/json.h"

namespace rankflow {

class Spawner;

/// Set by a signal (or the coordinator); steps look at it where they can checkpoint.
class StopFlag {
 public:
  void request() { requested_.store(true, std::memory_order_relaxed); }
  bool requested() const { return requested_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> requested_{false};
};

/// Thrown by a step that stopped because it was asked to, after saving what it needs to go on.
class Stopped : public Error {
 public:
  Stopped() : Error(ExitStatus::stopped, "stopped as asked; the same command goes on from here") {}
};

/// Progress and metrics of a step, as the group's first rank reports them. Cheap to call often: progress is
/// passed on at most a few times a second.
class Reporter {
 public:
  virtual ~Reporter() = default;
  /// `done` of `total` `unit`s (total 0: not known); `metrics` (loss, accuracy, …) are shown beside it.
  virtual void progress(double done, double total, const std::string& unit, const std::string& text,
                        const Json& metrics) = 0;
  /// A value worth keeping: a row of metrics.jsonl. `at` is an epoch or batch number.
  virtual void metric(const std::string& name, double value, std::int64_t at) = 0;
  /// A final value, kept in the step's record and shown in the final table and for reused steps.
  virtual void result(const std::string& name, const Json& value) = 0;
  virtual void note(const std::string& text) = 0;
};

enum class DeviceKind { cpu, cuda };

/// What an earlier run of the same step left: with the same parameters and inputs, but for those of StepSpec::by_file.
struct Predecessor {
  std::map<std::string, std::string> outputs;  // output → folder; its bytes were checked
  Json notes;                                  // its StepContext::notes
};

struct StepContext {
  Communicator& comm;  // the step's ranks; rank 0 of it is the group's first rank
  std::string step;    // name in the pipeline
  Json parameters;     // validated and bound: paths stand where bindings stood
  std::map<std::string, std::string>
      inputs;  // input → absolute path (an artifact's folder, a raw file or folder)
  std::map<std::string, std::string> outputs;  // output → folder to write into, the same for all ranks, empty
  std::string checkpoints;                     // folder for checkpoints; created by the step if it needs one
  std::string log_folder;                      // runs/<id>/logs/<step>
  std::string folder;                          // the pipeline file's folder
  int local_rank = 0;                          // of this rank among those of the step on this host
  int local_size = 1;
  std::vector<std::string> hosts;  // of each rank of the step
  int threads = 1;                 // this rank's share of the cores
  DeviceKind device = DeviceKind::cpu;
  int attempt = 1;
  Timeline& timeline;
  StopFlag& stop;    // the job is asked to stop: save a checkpoint, throw Stopped
  StopFlag& cancel;  // another rank of the step failed: leave without waiting for it
  Reporter& report;
  Spawner* spawner = nullptr;                         // starts child processes (command)
  std::optional<Predecessor> earlier = std::nullopt;  // only of types with StepSpec::by_file
  Json notes = nullptr;  // what a later run finds in `earlier`; of the first rank

  bool first() const { return comm.rank() == 0; }
};

class Step {
 public:
  virtual ~Step() = default;
  /// Collective over context.comm. Local work that can fail belongs into run_together() (agreement.h): then a
  /// failure fails the step on all ranks; an exception between collectives of the others ends the job.
  virtual void run(StepContext& context) = 0;
};

/// Makes the step of a type; the program's registry (steps/registry.h).
using StepFactory = std::function<std::unique_ptr<Step>(const std::string& type)>;

}  // namespace rankflow
