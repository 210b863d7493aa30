// What steps need of a GPU beyond what LibTorch's tensors do by themselves. cuda_gpu.cpp has the code; programs built
// without CUDA have no_gpu.cpp instead, where there are no GPUs and everything else throws Error (internal).
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

#include "collectives/device_communicator.h"

namespace rankflow {

/// GPUs that this process may use, and why there are none where there are none.
struct Gpus {
  int count = 0;
  std::string why_none;
};
Gpus find_gpus();

/// Name and UUID of one of them.
DeviceIdentity gpu_identity(at::Device gpu);

/// Between the ranks' GPUs, behind what is in the stream that is current where a call is made. Collective over `host`.
std::unique_ptr<DeviceCommunicator> connect_gpus(Communicator& host, at::Device gpu);

/// Work for the current device that is recorded once and then started as a whole (a CUDA graph): what the host needs for
/// each kernel is paid once.
class RecordedWork {
 public:
  virtual ~RecordedWork() = default;
  /// `work` queues kernels in the current stream, which is not the default one; it is recorded, not carried out. Memory that
  /// it allocates stays reserved for it. Throws what `work` throws, and c10::Error where it does what can't be recorded.
  virtual void record(const std::function<void()>& work) = 0;
  /// Queues all of it in the current stream.
  virtual void replay() = 0;
};
std::unique_ptr<RecordedWork> make_recorded_work();

}  // namespace rankflow
