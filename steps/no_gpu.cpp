// In programs built without CUDA, instead of cuda_gpu.cpp.
#include "base/error.h"
#include "steps/gpu.h"

namespace rankflow {
namespace {

constexpr const char* without_cuda = "this program was built without CUDA";

}  // namespace

Gpus find_gpus() {
  return {0, without_cuda};
}

DeviceIdentity gpu_identity(at::Device) {
  throw Error(ExitStatus::internal, without_cuda);
}

std::unique_ptr<DeviceCommunicator> connect_gpus(Communicator&, at::Device) {
  throw Error(ExitStatus::internal, without_cuda);
}

std::unique_ptr<RecordedWork> make_recorded_work() {
  throw Error(ExitStatus::internal, without_cuda);
}

}  // namespace rankflow
