// Turns SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 into the ranks' stop flag. Slurm and mpirun send one of them
// before the time limit or a preemption; all mean the same: save and leave.
#pragma once

#include <thread>

#include "runtime/step.h"

namespace rankflow {

/// Blocks these signals in the calling thread, and so in every thread made after it: construct on the main
/// thread before MPI and LibTorch make theirs. A thread of its own waits for them.
class StopSignals {
 public:
  explicit StopSignals(StopFlag& stop);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  void watch();
  StopFlag& stop_;
  int signals_ = -1;
  int quit_ = -1;
  std::thread watcher_;
};

}  // namespace rankflow
