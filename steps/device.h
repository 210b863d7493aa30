// Where a step's tensors live, and how many threads work on them.
#pragma once

#include "runtime/step.h"

namespace rankflow {

/// Has LibTorch use `threads` threads of the CPU. Throws Error (configuration) where the step was given
/// another device.
void use_cpu(const StepContext& context, int threads);

}  // namespace rankflow
