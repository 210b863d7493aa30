#include "collectives/cuda_handles.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace rankflow::cuda {
namespace {

std::string text_of(cudaError_t code, const char* function) {
  return str(function, " failed: ", cudaGetErrorString(code), " (", cudaGetErrorName(code), ")");
}

// For destructors, which must not throw.
void warn(cudaError_t code, const char* function) noexcept try {
  if (code != cudaSuccess) log::warning(text_of(code, function));
} catch (...) {  // no memory for a message: there is nobody left to tell
}

const char* kind_of(cudaMemoryType type) {
  switch (type) {
    case cudaMemoryTypeUnregistered:
      return "host memory";
    case cudaMemoryTypeHost:
      return "page-locked host memory";
    case cudaMemoryTypeDevice:
      return "device memory";
    case cudaMemoryTypeManaged:
      return "managed memory";
  }
  return "memory of unknown kind";
}

}  // namespace

void check(cudaError_t code, const char* function, std::source_location where) {
  if (code != cudaSuccess) throw Error(ExitStatus::internal, text_of(code, function), {}, where);
}

Devices devices() {
  Devices found;
  const cudaError_t code = cudaGetDeviceCount(&found.count);
  if (code == cudaErrorNoDevice) return {0, cudaGetErrorString(code)};
  if (code == cudaErrorInsufficientDriver) {
    // CUDA's text for a missing driver is that of one that is too old.
    int driver = 0;
    check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    return {0, driver == 0 ? "no CUDA driver is installed" : cudaGetErrorString(code)};
  }
  check(code, "cudaGetDeviceCount");
  return found;
}

Identity identity(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  std::string uuid = "GPU";
  for (std::size_t i = 0; i < sizeof properties.uuid.bytes; ++i) {
    if (i == 0 || i == 4 || i == 6 || i == 8 || i == 10) uuid += '-';
    constexpr const char* digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(properties.uuid.bytes[i]);
    uuid += digits[byte >> 4], uuid += digits[byte & 15];
  }
  return {properties.name, uuid};
}

bool on_device(const void* data) {
  if (!data) return false;
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, data), "cudaPointerGetAttributes");
  return attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
}

DeviceGuard::DeviceGuard(int device) {
  check(cudaGetDevice(&former_), "cudaGetDevice");
  check(cudaSetDevice(device), "cudaSetDevice");
}

DeviceGuard::~DeviceGuard() {
  warn(cudaSetDevice(former_), "cudaSetDevice");
}

Stream::Stream() {
  check(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
}

Stream::~Stream() {
  warn(cudaStreamDestroy(stream_), "cudaStreamDestroy");
}

bool idle(cudaStream_t stream) {
  const cudaError_t code = cudaStreamQuery(stream);
  if (code == cudaErrorNotReady) return false;
  check(code, "cudaStreamQuery");
  return true;
}

void Stream::order(cudaStream_t first, cudaStream_t then) {
  const Event queued;
  check(cudaEventRecord(queued.get(), first), "cudaEventRecord");
  check(cudaStreamWaitEvent(then, queued.get(), 0), "cudaStreamWaitEvent");
}

Event::Event() {
  check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreateWithFlags");
}

Event::~Event() {
  warn(cudaEventDestroy(event_), "cudaEventDestroy");
}

Memory::Memory(std::size_t bytes) {
  check(cudaMalloc(&data_, bytes), "cudaMalloc");
}

Memory::~Memory() {
  warn(cudaFree(data_), "cudaFree");
}

void require_memory_of(int device, const void* data, const char* operation, const char* what) {
  cudaPointerAttributes attributes{};
  check(cudaPointerGetAttributes(&attributes, data), "cudaPointerGetAttributes");
  const bool usable = attributes.type == cudaMemoryTypeDevice || attributes.type == cudaMemoryTypeManaged;
  if (usable && attributes.device == device) return;
  throw Error(ExitStatus::internal,
              str(operation, ": ", what, " is ", kind_of(attributes.type),
                  usable ? str(" of device ", attributes.device) : "",
                  "; the communicator reads and writes memory of CUDA device ", device),
              "values in host memory go over the host's communicator");
}

}  // namespace rankflow::cuda
