// Judges from the ranks' signs of life which of them hang, and who keeps whom waiting in which collective call.
// Pure: the time is given, so that it is tested without waiting.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "collectives/call_record.h"
#include "io/json.h"

namespace rankflow {

/// A rank's line about one group, as it travels in a sign of life: {group, number, call, inside, seconds, ranks}, and
/// patient: true in the agreement at the end of local work, which may take any time.
Json to_json(const CallStatus& status);

class Watchdog {
 public:
  /// `hosts`: of each rank. `hang_limit`: seconds.
  Watchdog(std::vector<std::string> hosts, double hang_limit, double now);

  /// Any message from `rank` has come.
  void heard(int rank, double now);
  /// A sign of life: {step: what it works on, or "", calls: [to_json(CallStatus)], helper_silent: seconds for which the process that
  /// starts programs for the rank gave none, if it should (Spawner::silent)}.
  void heartbeat(int rank, const Json& message, double now);

  struct Finding {
    std::vector<int> silent;  // ranks that owe a sign of life
    std::string step;         // that those are in, or those that wait
    std::string collective;   // who waits for whom in which call; "" where nobody waits long
    std::string warning;      // said once for every call
    std::string hang;         // why the job is to end; "" where it goes on
  };
  Finding look(double now);

 private:
  struct Standing {
    std::string group, call;
    std::int64_t number = 0;
    bool inside = false, patient = false;
    double since = 0;
    int ranks = 0;  // of the group
  };
  struct Rank {
    double heard = 0, helper_silent = 0;
    std::string step;
    std::vector<Standing> calls;
  };
  /// Ranks that are in a call which others of their group have not entered.
  struct Wait {
    std::string group, step, text;
    std::int64_t number = 0;
    double seconds = 0;
    bool patient = false;
  };
  using Group = std::map<int, const Standing*>;

  /// Ranks whose programs can't be started or watched any more.
  void look_at_helpers(Finding& found, double notable);
  std::vector<Wait> waits(double now) const;
  Wait wait_of(const Group& group, std::int64_t number, double now) const;

  std::vector<std::string> hosts_;
  double hang_limit_;
  std::vector<Rank> ranks_;
  std::set<std::pair<std::string, std::int64_t>> warned_;  // group and number of the call
};

}  // namespace rankflow
