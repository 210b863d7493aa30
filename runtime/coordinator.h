// Rank 0's second thread: gives ready steps to free ranks, hears how they went, and decides when the run is
// over. It is the only writer of the run's record. Its waiting costs nothing: it polls with growing pauses.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "collectives/mpi_world.h"
#include "io/json_text.h"
#include "io/store.h"
#include "runtime/fetch_turns.h"
#include "runtime/messages.h"
#include "runtime/run_state.h"
#include "runtime/step.h"
#include "runtime/watchdog.h"

namespace rankflow {

struct CoordinatorSettings {
  bool fail_fast = false;
  int attempt = 1;
  bool supervised = false;    // someone will start the job again after a crash
  double hang_limit = 300;    // seconds without a sign of life from a rank, or that others wait for it
  double cancel_grace = 1.5;  // seconds a failed step's other ranks get to leave by themselves
  Deliver to_objects;         // publishes to object stores
};

class Coordinator {
 public:
  Coordinator(World& world, Store& store, Planner& planner, RunRecord& record, RunObserver& observer,
              StopFlag& stop, CoordinatorSettings settings);

  /// Runs the plan to its end and releases the workers. Returns the run's exit status. Where ranks are stuck
  /// in a collective that will never complete, it records the failure and ends the job (World::abort, no
  /// return).
  ExitStatus run();

 private:
  // One order in the hands of a group.
  struct Running {
    std::size_t step;
    WorkOrder order;
    std::vector<Staging> staging;
    std::set<int> waiting_for;  // ranks that have not reported
    bool committed = false;     // told to publish
    bool recalled = false;      // asked back from a rank's queue
    bool failing = false;
    double abort_at = 0;         // failing: when the job ends if ranks are still missing
    std::optional<Error> error;  // of the first rank that failed by itself
    int failed_rank = -1;
    bool stopped = false;
  };

  void dispatch();
  void recall_queued();
  void recall_from(std::size_t rank);
  void give_up(RunState::Status status, const std::string& why);
  void on_recalled(int id);
  void free_rank(int rank, int id);
  void start(std::size_t step, const std::vector<int>& ranks);
  void handle(const Message& message);
  void on_finished(const Json& message);
  void on_published(const Json& message);
  void note_other_bytes(const WorkOrder& order, const Json& former);
  void on_progress(const Running& running, Json message);
  void commit(Running& running);
  void begin_failing(Running& running, const Json& message);
  void conclude_failure(int id);
  void release(int id);
  void check_deadlines();
  void check_heartbeats();
  [[noreturn]] void abort_job(const std::string& why, ExitStatus status);
  void react_to_stop();
  void send(int rank, const Json& message) { world_.send_to_worker(rank, json_text(message)); }
  void finish_timeline();
  void append_metric(const Json& row);

  World& world_;
  Store& store_;
  Planner& planner_;
  RunRecord& record_;
  RunObserver& observer_;
  StopFlag& stop_;
  CoordinatorSettings settings_;
  RunState state_;
  std::map<int, Running> running_;  // by order id
  // What each rank holds: orders in the sequence it carries them out, when the first began, how long the last
  // took.
  struct Rank {
    std::vector<int> orders;
    double since = 0;
    double last_seconds = 0;
  };
  std::vector<Rank> ranks_;
  std::vector<double> priorities_;  // of each step: longest path to the end
  FetchTurns fetches_;
  Watchdog watchdog_;
  std::vector<std::string> timelines_;
  int next_id_ = 1;
  bool stop_told_ = false;
  struct GivenUp {
    RunState::Status status;
    std::string why;
  };
  std::optional<GivenUp> given_up_;
  double last_tick_ = 0, last_save_ = 0;
};

}  // namespace rankflow
