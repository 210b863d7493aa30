// The Communicator over NCCL: between GPUs, from their memory. No CUDA type is seen here, so that callers
// need not be compiled with CUDA.
//
// Pointers are device pointers of the communicator's device; host memory is refused. So the conveniences of
// Communicator that reduce or gather single values don't work with it: they go over the host's communicator.
// Calls block until the work is done on the device: the stream is synchronised on return. Work that other
// streams were given on the buffers before has to be done when the call is made, or named with wait_for.
#pragma once

#include <memory>

#include "collectives/communicator.h"

namespace rankflow {

class NcclCommunicator : public Communicator {
 public:
  /// The ranks of `host`, each with a device of its own (two ranks on one device: NCCL refuses). Collective
  /// over `host`, which is used here only. Throws Error (configuration) where CUDA has no such device, Error
  /// (internal) where NCCL fails or is not ready within 5 minutes, PeerFailed where that happened on another
  /// rank.
  NcclCommunicator(Communicator& host, int device);
  /// Not collective: aborts a communicator that was not closed, and what it still does on the device.
  ~NcclCommunicator() override;
  NcclCommunicator(const NcclCommunicator&) = delete;
  NcclCommunicator& operator=(const NcclCommunicator&) = delete;

  int rank() const override;
  int size() const override;
  /// The max and min of floating-point types go through host memory (NCCL's drop NaN): for values, not for gradients.
  void all_reduce(void* data, std::size_t count, DType type, ReduceOp op) override;
  /// As all_reduce says; needs device memory of the size of `data` for max and min of floating-point types.
  void reduce_scatter_unequal(void* data, std::span<const std::int64_t> counts, DType type,
                              ReduceOp op) override;
  void broadcast(void* data, std::size_t bytes, int root) override;
  void all_gather(const void* in, std::size_t bytes, void* out) override;
  void all_gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out) override;
  void gather_unequal(const void* in, std::span<const std::int64_t> sizes, void* out, int root) override;
  void barrier() override;
  std::unique_ptr<Communicator> split(int color) override;
  /// A second call does nothing.
  void close() override;

  /// The next call starts on the device after what is queued in `cuda_stream` (a cudaStream_t of this device)
  /// now.
  void wait_for(void* cuda_stream);
  /// Queues an all_reduce (sum or mean) of device memory, and returns once NCCL has taken it in; several may be under way.
  void begin_all_reduce(void* data, std::size_t count, DType type, ReduceOp op);
  /// What is queued in `cuda_stream` from now on starts after all that was begun.
  void hold(void* cuda_stream);
  /// Returns when what is queued in `cuda_stream` is done; looks meanwhile whether a peer failed. Throws Error (internal) then.
  void watch(void* cuda_stream);
  /// From any thread: the call in progress, on this rank, ends with Error (internal), and so does every later
  /// one. Returns at once. For a watchdog: other ranks may learn nothing of it, so abort on each.
  void abort() noexcept;

 private:
  struct State;
  explicit NcclCommunicator(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace rankflow
