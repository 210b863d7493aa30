// Where a step's tensors live.
#pragma once

#include "base/error.h"
#include "runtime/step.h"

namespace rankflow {

/// Throws Error (configuration) for a device that the LibTorch steps don't run on.
inline void require_cpu(const StepContext& context) {
  if (context.device == DeviceKind::cpu) return;
  throw Error(ExitStatus::configuration, "this step runs on the CPU only in this version", "--device cpu");
}

}  // namespace rankflow
