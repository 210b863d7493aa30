// Makes the steps of rankflow-rank by the name of their type.
#pragma once

#include "runtime/step.h"

namespace rankflow {

/// Throws Error (internal) for a type without code.
StepFactory step_factory();

}  // namespace rankflow
