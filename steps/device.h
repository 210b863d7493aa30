// Where a step's tensors live and are computed: on the CPU with so many threads, or on a GPU that no other rank has.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>

#include "collectives/device_communicator.h"
#include "runtime/step.h"

namespace rankflow {

/// While it lives, LibTorch uses `threads` threads of the CPU, and memory of large tensors is kept for the next.
class CpuUse {
 public:
  CpuUse(const StepContext& context, int threads);
  ~CpuUse();
  CpuUse(const CpuUse&) = delete;
  CpuUse& operator=(const CpuUse&) = delete;
};

class StepDevice {
 public:
  struct Use {
    bool deterministic = false;
    bool exchanges = false;  // tensors between the ranks
  };
  /// The device that the step was given. While it lives, this thread's kernels go to a stream of their own, products and
  /// convolutions of float32 are computed in float32 (not in TF32, as LibTorch's convolutions by default), and with
  /// `deterministic` what is not the same bits each time is refused (at::Context::setDeterministicAlgorithms). Collective:
  /// throws Error (configuration) on all ranks together where one has no GPU, or two have the same.
  StepDevice(const StepContext& context, Use use);
  /// Not collective.
  ~StepDevice();
  StepDevice(const StepDevice&) = delete;
  StepDevice& operator=(const StepDevice&) = delete;

  at::Device device() const { return device_; }
  bool is_gpu() const { return device_.is_cuda(); }
  /// For tensors on the device, and values in host memory as well, where the ranks exchange any: the step's own communicator
  /// on the CPU.
  Communicator& comm() const;
  /// Between the ranks' GPUs; null on the CPU, where there is one rank, and where they exchange nothing.
  DeviceCommunicator* gpus() const;
  /// Returns when what was queued is done. Looks meanwhile whether a peer failed. Nothing on the CPU.
  void synchronize() const;
  /// Collective.
  void close();

  /// "CPU", or "GPU 0 of 4, NVIDIA H100 80GB HBM3".
  std::string description() const;

 private:
  struct Gpu;
  Communicator& host_;
  at::Device device_;
  std::unique_ptr<Gpu> gpu_;
};

/// Calls `work`, and says what LibTorch throws in the words of this program: memory that the device lacks, failed kernels.
void with_device_errors(const StepContext& context, const std::function<void()>& work);

}  // namespace rankflow
