// Where a step's tensors live, and how many threads work on them.
#pragma once

#include "runtime/step.h"

namespace rankflow {

/// While it lives, LibTorch uses `threads` threads of the CPU, and memory of large tensors is kept for the next.
class CpuUse {
 public:
  /// Throws Error (configuration) where the step was given another device.
  CpuUse(const StepContext& context, int threads);
  ~CpuUse();
  CpuUse(const CpuUse&) = delete;
  CpuUse& operator=(const CpuUse&) = delete;
};

}  // namespace rankflow
