// Starts a run's ranks and watches over them from outside: passes their events on, turns signals into an
// orderly stop, ends them when they hang, starts them again when one died. A stopped rank stops its own
// threads too, so only something outside can see it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "launchers/child_process.h"
#include "runtime/event.h"

namespace rankflow {

struct SupervisorOptions {
  std::string run;                   // id, for the events that the supervisor adds
  std::vector<std::string> command;  // mpirun … rankflow-rank … or rankflow-rank …
  std::vector<std::pair<std::string, std::string>> environment;
  bool through_mpirun = false;  // mpirun must end by SIGTERM, so that it can take its ranks along
  int restarts = 3;
  double hang_limit = 300;   // seconds without a heartbeat
  double kill_grace = 10;    // seconds from SIGTERM to SIGKILL where ranks must go
  std::string launcher_log;  // what the ranks and mpirun print that is no event
};

/// Runs until the ranks are done and returns the exit code; blocks the signals it handles meanwhile.
/// `display` gets every event but heartbeats, and exactly one run_finished, last.
int supervise(const SupervisorOptions& options, RunObserver& display);

/// Whether ranks that ended so are to be started again: they died, rather than came to a result.
bool is_crash(const ProcessEnd& end);
/// "signal 9, Killed", "exit code 70"; mpirun gives 128 + the signal of the rank that died.
std::string describe(const ProcessEnd& end);

}  // namespace rankflow
