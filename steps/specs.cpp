#include "steps/specs.h"

namespace rankflow {

#define RANKFLOW_STEP(name) StepSpec name##_spec();
#include "steps/step_types.inc"
#undef RANKFLOW_STEP

StepSpecs all_step_specs() {
  std::vector<StepSpec> specs;
#define RANKFLOW_STEP(name) specs.push_back(name##_spec());
#include "steps/step_types.inc"
#undef RANKFLOW_STEP
  return StepSpecs(std::move(specs));
}

}  // namespace rankflow
