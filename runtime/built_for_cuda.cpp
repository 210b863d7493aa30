// In programs built with CUDA, instead of built_for_cpu.cpp.
#include "runtime/device.h"

namespace rankflow {

bool built_with_cuda() {
  return true;
}

}  // namespace rankflow
