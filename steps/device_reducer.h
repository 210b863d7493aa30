// Sums gradients over the GPUs of a step's ranks while backward still computes others: buckets are queued in NCCL's stream as
// soon as they and those before them are final, behind the kernels that make them. No thread, and nothing waits before
// the optimizer does.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "collectives/device_communicator.h"
#include "collectives/gradient_buckets.h"

namespace rankflow {

class DeviceReducer {
 public:
  /// `gradients`: f32 or f64 [n] on the GPU; `pieces` of it in the order in which backward makes them final, the same on all
  /// ranks. `wire`: the 16-bit type that they travel in, but for pieces of full precision. Without `overlap` all are queued
  /// after backward. Keeps references.
  DeviceReducer(DeviceCommunicator& gpus, at::Tensor gradients, std::vector<GradientPiece> pieces,
                std::optional<at::ScalarType> wire, bool overlap);

  /// Whether gradients travel in the next backward pass, which they do in the last one of a global batch.
  void set_communication(bool on) { communicates_ = on; }
  /// The piece's gradient is queued in this thread's current stream. In any order, once in a pass, or not at all.
  void ready(std::size_t piece);
  /// Queues the rest. What is queued in the current stream from now on starts when every piece holds its sum over the
  /// ranks, the same bits on each; begins the next pass. Collective, in order.
  void finish();

  std::string description() const;

 private:
  void begin_pass();
  void send(const GradientBucket& bucket);

  DeviceCommunicator& gpus_;
  at::Tensor gradients_;
  std::optional<at::ScalarType> wire_;
  bool overlap_;
  std::vector<GradientBucket> buckets_;
  std::vector<std::size_t> bucket_of_;  // by piece
  struct Copy {
    at::Tensor place, travels;
  };
  std::vector<Copy> copies_;          // 16-bit ones of this pass
  std::vector<std::size_t> missing_;  // pieces that are not final, by bucket
  std::size_t next_ = 0;              // bucket to be sent
  bool communicates_ = true;
};

}  // namespace rankflow
