#include "steps/device.h"

#include <ATen/Parallel.h>

#include "base/error.h"
#include "base/text.h"
#include "steps/tensor_memory.h"

namespace rankflow {

CpuUse::CpuUse(const StepContext& context, int threads) {
  if (context.device != DeviceKind::cpu) {
    throw Error(ExitStatus::configuration,
                str("step ", context.step, " runs on the CPU only in this version"));
  }
  at::set_num_threads(threads);
  tensor_memory();
}

CpuUse::~CpuUse() {
  tensor_memory().release();
}

}  // namespace rankflow
