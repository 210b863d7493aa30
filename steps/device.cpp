#include "steps/device.h"

#include <ATen/Parallel.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

void use_cpu(const StepContext& context, int threads) {
  if (context.device != DeviceKind::cpu) {
    throw Error(ExitStatus::configuration,
                str("step ", context.step, " runs on the CPU only in this version"));
  }
  at::set_num_threads(threads);
}

}  // namespace rankflow
