// A rank's side of a run: a control thread listens to the coordinator (an idle rank must not burn a core, a
// busy one must still hear "cancel" and be heard), the main thread carries out assignments one after the
// other.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "runtime/executor.h"

namespace rankflow {

class Worker {
 public:
  explicit Worker(RankResources resources);

  /// Works until the coordinator says quit. Call on the main thread (MPI's and HDF5's habitual one).
  void run();

 private:
  struct Task {
    bool commit = false;
    int id = 0;
    WorkOrder order;  // unless commit
  };

  void control_loop();
  void handle(const std::string& text);
  void recall(int id);
  bool next(Task& task);
  bool sync_is_due() const;
  StopFlag& cancel_flag(int id);
  void heartbeat();
  void pass_on_stop();

  RankResources resources_;
  Executor executor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::map<int, StopFlag> cancelled_;
  std::string current_step_;
  bool quit_ = false;
  double last_heartbeat_ = 0;
  bool stop_told_ = false;
};

}  // namespace rankflow
