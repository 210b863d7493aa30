#include "steps/device.h"

#include <ATen/Parallel.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "steps/gpu.h"
#include "steps/tensor_memory.h"

namespace rankflow {
namespace {

at::Device choose(const StepContext& context) {
  const Gpus found = find_gpus();
  if (found.count == 0) {
    throw Error(ExitStatus::configuration,
                str("step ", context.step, " is to run on a GPU, and there is none: ", found.why_none),
                "a machine with a GPU and its driver (nvidia-smi shows them), or resources: {device: cpu}");
  }
  return {at::kCUDA, static_cast<c10::DeviceIndex>(context.local_rank % found.count)};
}

/// NCCL would refuse too, with a message that names neither.
void require_own_gpus(const StepContext& context, at::Device device) {
  std::string mine;
  run_together(context.comm, [&] { mine = gpu_identity(device).uuid; });
  const auto all = context.comm.all_gather_text(mine);
  for (std::size_t r = 0; r < all.size(); ++r) {
    for (std::size_t before = 0; before < r; ++before) {
      if (all[before] != all[r]) continue;
      throw Error(
          ExitStatus::configuration,
          str("step ", context.step, ": its ranks ", before, " and ", r, " would share one GPU (", all[r],
              ")"),
          "as many ranks on a host as it has GPUs: -n, resources: {ranks: N}; or CUDA_VISIBLE_DEVICES, "
          "where each rank has its own");
    }
  }
}

/// How LibTorch computes on GPUs, put back at the end.
class Arithmetic {
 public:
  explicit Arithmetic(bool deterministic)
      : convolutions_(at::globalContext().allowTF32CuDNN()),
        products_(at::globalContext().allowTF32CuBLAS()),
        deterministic_(at::globalContext().deterministicAlgorithms()) {
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setDeterministicAlgorithms(deterministic, /*warn_only=*/false);
  }
  ~Arithmetic() {
    at::globalContext().setAllowTF32CuDNN(convolutions_);
    at::globalContext().setAllowTF32CuBLAS(products_);
    at::globalContext().setDeterministicAlgorithms(deterministic_, false);
  }
  Arithmetic(const Arithmetic&) = delete;
  Arithmetic& operator=(const Arithmetic&) = delete;

 private:
  bool convolutions_, products_, deterministic_;
};

c10::Stream own_stream(at::Device device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStreamFromGlobalPool(device, /*isHighPriority=*/false);
}

}  // namespace

CpuUse::CpuUse(const StepContext&, int threads) {
  at::set_num_threads(threads);
  tensor_memory();
}

CpuUse::~CpuUse() {
  tensor_memory().release();
}

struct StepDevice::Gpu {
  Gpu(at::Device device, bool deterministic) : arithmetic(deterministic), stream(own_stream(device)) {}

  Arithmetic arithmetic;
  c10::StreamGuard stream;  // a recording (RecordedWork) can't be made in the default one
  std::unique_ptr<DeviceCommunicator> peers;
};

StepDevice::StepDevice(const StepContext& context, Use use) : host_(context.comm), device_(at::kCPU) {
  if (context.device == DeviceKind::cpu) return;
  run_together(context.comm, [&] { device_ = choose(context); });
  require_own_gpus(context, device_);
  run_together(context.comm, [&] { gpu_ = std::make_unique<Gpu>(device_, use.deterministic); });
  if (use.exchanges && host_.size() > 1) gpu_->peers = connect_gpus(host_, device_);
}

StepDevice::~StepDevice() = default;

Communicator& StepDevice::comm() const {
  return gpus() ? *gpus() : host_;
}

DeviceCommunicator* StepDevice::gpus() const {
  return gpu_ ? gpu_->peers.get() : nullptr;
}

void StepDevice::synchronize() const {
  if (!gpu_) return;
  if (gpus())
    gpus()->synchronize();
  else
    gpu_->stream.current_stream().synchronize();
}

void StepDevice::close() {
  if (!gpus()) return;
  synchronize();
  gpus()->close();
}

std::string StepDevice::description() const {
  if (!gpu_) return "CPU";
  return str("GPU ", static_cast<int>(device_.index()), " of ", find_gpus().count, ", ",
             gpu_identity(device_).name);
}

void with_device_errors(const StepContext& context, const std::function<void()>& work) {
  try {
    work();
  } catch (const c10::OutOfMemoryError& e) {
    throw Error(ExitStatus::internal,
                str("step ", context.step, ": the GPU's memory is full: ", e.what_without_backtrace()),
                "a smaller batch_size, more micro-batches (accumulate), precision: bfloat16, or "
                "shard_optimizer: true");
  } catch (const c10::Error& e) {
    if (context.device == DeviceKind::cpu) throw;
    throw Error(ExitStatus::internal,
                str("step ", context.step, " failed on the GPU: ", e.what_without_backtrace()),
                "CUDA_LAUNCH_BLOCKING=1 shows which operation it was");
  }
}

}  // namespace rankflow
