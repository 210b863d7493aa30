// The state of a run as far as its events (or its record) tell it, and the tables that show it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"

namespace rankflow {

struct StepView {
  std::string name;
  std::string status = "waiting";  // waiting, running, and the statuses of step_finished; left: not selected
  std::vector<int> ranks;          // world ranks while it runs
  int rank_count = 0;
  int attempt = 1;
  double started = 0;  // clock seconds
  double done = 0, total = 0, rate = 0;
  std::string unit, text;  // of progress
  Json metrics = Json::object();
  double seconds = 0;
  std::optional<std::int64_t> rows;
  std::string run;      // that made a reused step
  std::string message;  // of a failed one

  bool finished() const { return status != "waiting" && status != "running"; }
  /// Whether it ran here, so that its seconds mean something.
  bool began() const { return status != "reused" && status != "skipped" && (rank_count > 0 || seconds > 0); }
};

class RunView {
 public:
  /// Takes in one event that came at clock second `now`; returns the step that it changed, or null.
  StepView* apply(const Json& event, double now);

  const std::vector<StepView>& steps() const { return steps_; }
  const std::string& run() const { return run_; }
  const std::string& pipeline() const { return pipeline_; }
  int ranks() const { return ranks_; }
  std::size_t hosts() const { return hosts_; }
  double started() const { return started_; }
  /// How many steps have this status.
  std::size_t count(const std::string& status) const;

 private:
  StepView& step(const std::string& name);
  std::string run_, pipeline_;
  int ranks_ = 0;
  std::size_t hosts_ = 0;
  double started_ = 0;
  std::vector<StepView> steps_;
  std::map<std::string, std::size_t> index_;
};

/// Steps out of run.json, in the pipeline's order.
std::vector<StepView> steps_of_record(const Json& record);

/// step, status, ranks, time, rows, result, and the run that made it; more than `most` reused steps are
/// summed up.
std::string steps_table(const std::vector<StepView>& steps, std::size_t width, bool color,
                        std::size_t most = 30);

/// "accuracy 0.981, loss 0.0612": plain values only, the best known names first, at most `most`.
std::string metrics_text(const Json& metrics, std::size_t most = 4);
/// "0-3,5".
std::string ranks_text(const std::vector<int>& ranks);
/// "1 step", "3 steps".
std::string counted(std::size_t n, const std::string& noun);

}  // namespace rankflow
