// The step types this program knows. A new one is a line in step_types.inc and two files beside it:
// NAME_spec.cpp (`StepSpec NAME_spec()`, what it is) and NAME.cpp (`std::unique_ptr<Step> make_NAME()`, what
// it does).
#pragma once

#include "runtime/step_spec.h"

namespace rankflow {

StepSpecs all_step_specs();

}  // namespace rankflow
