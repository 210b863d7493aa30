// What the GPUs of a group's ranks exchange, for callers that know no CUDA: memory of the device travels over NCCL, memory
// of the host over the host's communicator. CUDA tells which is which.
//
// Kernels are queued in streams and done later. So a caller says where it queues its own (`current_stream`), and every
// collective on the device starts after what is in there.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "collectives/communicator.h"

namespace rankflow {

class DeviceCommunicator : public Communicator {
 public:
  /// Queues an all_reduce (sum or mean) of device memory behind what is in the current stream, and returns. Several may be
  /// under way, in the same order on all ranks. From any thread, one at a time.
  virtual void begin_all_reduce(void* data, std::size_t count, DType type, ReduceOp op) = 0;
  /// What is queued in the current stream from now on starts after all that was begun.
  virtual void join() = 0;
  /// Returns when the current stream is done. Looks meanwhile whether a peer failed, and throws Error (internal) then.
  virtual void synchronize() = 0;
};

/// The calling thread's current stream of the device: a cudaStream_t.
using CurrentStream = std::function<void*()>;

/// `host` stays with its owner and must outlive it. Collective over `host`. Throws as NcclCommunicator's constructor.
std::unique_ptr<DeviceCommunicator> make_device_communicator(Communicator& host, int device,
                                                             CurrentStream current_stream);

struct DeviceIdentity {
  std::string name;  // of the model
  std::string uuid;  // as nvidia-smi -L writes it; no other device has it
};
/// Throws Error (internal) where CUDA has no such device.
DeviceIdentity device_identity(int device);

}  // namespace rankflow
