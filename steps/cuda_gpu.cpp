// In programs built with CUDA, instead of no_gpu.cpp.
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/torch.h>

#include "base/error.h"
#include "steps/gpu.h"

namespace rankflow {
namespace {

class CudaGraph : public RecordedWork {
 public:
  void record(const std::function<void()>& work) override {
    // Calls that a recording can't hold are refused to this thread alone: the loader's goes on allocating and waiting.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      end_after_failure();
      throw;
    }
    graph_.capture_end();
  }
  void replay() override { graph_.replay(); }

 private:
  /// The stream is of no use to anybody before its recording has ended, well or not.
  void end_after_failure() noexcept try {
    graph_.capture_end();
  } catch (const std::exception&) {  // says again that the recording failed
  }

  at::cuda::CUDAGraph graph_;
};

}  // namespace

Gpus find_gpus() try {
  // Throws where there is no driver, and says why.
  return {c10::cuda::device_count_ensure_non_zero(), ""};
} catch (const c10::Error& e) {
  return {0, e.what_without_backtrace()};
}

DeviceIdentity gpu_identity(at::Device gpu) {
  return device_identity(gpu.index());
}

std::unique_ptr<DeviceCommunicator> connect_gpus(Communicator& host, at::Device gpu) {
  return make_device_communicator(
      host, gpu.index(), [gpu]() -> void* { return c10::cuda::getCurrentCUDAStream(gpu.index()).stream(); });
}

std::unique_ptr<RecordedWork> make_recorded_work() {
  return std::make_unique<CudaGraph>();
}

}  // namespace rankflow
