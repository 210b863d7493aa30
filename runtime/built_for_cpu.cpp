// In programs built without CUDA, instead of built_for_cuda.cpp.
#include "runtime/device.h"

namespace rankflow {

bool built_with_cuda() {
  return false;
}

}  // namespace rankflow
