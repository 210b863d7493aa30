// Where every step of a run stands, and what is written and told about it: the bookkeeping behind the
// coordinator.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "io/json.h"
#include "runtime/delivery.h"
#include "runtime/event.h"
#include "runtime/plan.h"
#include "runtime/run_record.h"

namespace rankflow {

class RunState {
 public:
  enum class Status { waiting, running, done, reused, failed, skipped, stopped, left };

  /// `to_objects` publishes to object stores (runtime/delivery.h).
  RunState(Planner& planner, RunRecord& record, RunObserver& observer, const std::vector<std::string>& hosts,
           Deliver to_objects);

  /// Writes the run's beginning, tells observers, settles what the plan settled. `failed_before`: on a
  /// restart, the steps that failed in an earlier attempt stay failed.
  void begin(int attempt);

  Status status(std::size_t step) const { return steps_[step].status; }
  /// Steps that may start: decided to run, and all they need is there.
  std::vector<std::size_t> ready() const;
  /// Every step has ended, and what it publishes to datastores is there.
  bool finished() const;
  /// Notes which copies to datastores have ended; `wait` for all of them.
  void note_deliveries(bool wait = false);
  bool any_running() const;

  void started(std::size_t step, const std::vector<int>& ranks, int attempt);
  /// What small steps published may not survive a power failure: they are done, the run is not.
  void not_durable(const Error& error, int rank);
  /// A rank gave the step back before it began.
  void put_back(std::size_t step) { steps_[step].status = Status::waiting; }
  /// Published; decides what follows.
  void done(std::size_t step, const std::map<std::string, std::string>& outputs, const Json& results,
            double seconds);
  /// `rank` in the world that failed; -1 for the coordinator itself. Steps that need it are skipped.
  void failed(std::size_t step, const Error& error, int rank);
  void stopped(std::size_t step);
  /// Nothing more will start (stop, fail-fast): what waits is `stopped` or `skipped`.
  void give_up_waiting(Status as, const std::string& why);

  /// Ends the run: final record and event; `why` it ended early, or "". Returns its exit status.
  ExitStatus end(bool stop_requested, const std::string& why);
  /// The status that the run would end with for its failures: the first failed step's, or `step_failed`.
  ExitStatus failure_status() const;
  /// Writes run.json; durable where something was lost otherwise (a failure, the end).
  void save(bool durable);
  void note(const std::string& text, const std::string& level);

 private:
  struct StepState {
    Status status = Status::waiting;
    double started = 0;
  };

  bool steps_ended() const;
  void settle_reused();
  void start_deliveries(std::size_t step, const Json& outputs);
  void skip_followers(std::size_t step);
  Json& entry(std::size_t step);
  void tell_finished(std::size_t step, Json event);
  const std::string& name_of(std::size_t step) const { return planner_.pipeline().steps[step].name; }

  Planner& planner_;
  RunRecord& record_;
  RunObserver& observer_;
  std::vector<std::string> hosts_;
  std::vector<StepState> steps_;
  Deliveries deliveries_;
  std::vector<std::string> failures_;
  ExitStatus failure_status_ = ExitStatus::ok;
  double began_ = 0;
  int attempt_ = 1;
};

const char* name(RunState::Status status);

}  // namespace rankflow
