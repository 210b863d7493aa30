// Carries out one assignment on one rank: makes the step's communicator and context, runs the step, and
// afterwards publishes what it wrote.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "collectives/call_record.h"
#include "collectives/mpi_world.h"
#include "io/store.h"
#include "runtime/messages.h"
#include "runtime/spawner.h"
#include "runtime/staged_inputs.h"
#include "runtime/step.h"

namespace rankflow {

/// What a rank offers to every step.
struct RankResources {
  World& world;
  Store& store;
  StepFactory make_step;
  Spawner& spawner;
  Timeline& timeline;
  StopFlag& stop;  // the job is asked to stop
  int threads = 1;
  bool check_collectives = false;
};

class Executor {
 public:
  explicit Executor(RankResources resources);

  /// Runs the step, then reports "finished" to the coordinator; never throws. `cancel` is set when another
  /// rank of the group failed.
  void run(const WorkOrder& assignment, StopFlag& cancel);
  /// All ranks of the group succeeded: ends its communicator; its first rank publishes and reports
  /// "published".
  void commit(int id);
  /// Where this rank stands in the collectives of its steps, for the sign of life that another thread gives.
  const CallRecord& calls() const { return calls_; }
  /// When the first of the outputs that are published but not yet on disk was published (monotonic seconds),
  /// or 0.
  double unsynced_since() const { return unsynced_since_; }
  /// Brings them to disk. An error is reported to the coordinator.
  void sync();

 private:
  struct Unpublished {
    WorkOrder assignment;
    std::unique_ptr<Communicator> comm;
    Json results;
    Json notes;
    double seconds = 0;
  };

  std::unique_ptr<Communicator> make_communicator(const WorkOrder& a);
  StepContext make_context(const WorkOrder& a, Communicator& comm, StopFlag& cancel, Reporter& reporter);
  void publish(Unpublished& done, Json& report);
  /// Copies what the step downloads to this node's disk, once per node, and puts the copies' paths into the order. Collective.
  void stage_inputs(WorkOrder& a, Communicator& comm, Reporter& reporter);
  Durability durability_of(const Unpublished& done);

  RankResources resources_;
  CallRecord calls_;
  StagedInputs staged_;
  std::map<int, Unpublished> unpublished_;
  double unsynced_since_ = 0;
};

}  // namespace rankflow
