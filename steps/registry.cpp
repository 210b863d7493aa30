#include "steps/registry.h"

#include "base/text.h"

namespace rankflow {

#define RANKFLOW_STEP(name) std::unique_ptr<Step> make_##name();
#include "steps/step_types.inc"
#undef RANKFLOW_STEP

StepFactory step_factory() {
  return [](const std::string& type) -> std::unique_ptr<Step> {
#define RANKFLOW_STEP(name) \
  if (type == #name) return make_##name();
#include "steps/step_types.inc"
#undef RANKFLOW_STEP
    throw Error(ExitStatus::internal, str("step type ", type, " has no code in this program"));
  };
}

}  // namespace rankflow
