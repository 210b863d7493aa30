// Owners of CUDA's handles and the check of every return code. Only nccl_*.cpp, cuda_handles.cpp and
// tests/gpu may include this.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <source_location>
#include <string>

namespace rankflow::cuda {

/// Throws Error (internal) with the function's name, CUDA's name of the error and its text where `code` is no
/// success.
void check(cudaError_t code, const char* function,
           std::source_location where = std::source_location::current());

/// Devices that this process may use, and why there are none (CUDA's text) where there are none.
struct Devices {
  int count = 0;
  std::string why_none;
};
/// Throws Error (internal) where CUDA fails in another way than by having no device or no driver.
Devices devices();

/// What a device is: its name, and what no other device on earth has in common with it (CUDA's UUID, as nvidia-smi writes it).
struct Identity {
  std::string name, uuid;
};
Identity identity(int device);

/// Whether all that was queued in `stream` is done; throws what went wrong with it.
bool idle(cudaStream_t stream);

/// Whether `data` is memory of a device (not of the host; null is neither).
bool on_device(const void* data);

/// Makes `device` the calling thread's current one, and the former one current again at its end.
class DeviceGuard {
 public:
  explicit DeviceGuard(int device);
  ~DeviceGuard();
  DeviceGuard(const DeviceGuard&) = delete;
  DeviceGuard& operator=(const DeviceGuard&) = delete;

 private:
  int former_ = 0;
};

/// A stream of the current device that does not wait for the default one.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  cudaStream_t get() const { return stream_; }
  bool idle() const { return cuda::idle(stream_); }
  /// What is queued here from now on starts after what is queued in `other` already.
  void wait_for(cudaStream_t other) { order(other, stream_); }
  /// What is queued in `other` from now on starts after what is queued here already.
  void hold(cudaStream_t other) const { order(stream_, other); }

 private:
  static void order(cudaStream_t first, cudaStream_t then);

  cudaStream_t stream_ = nullptr;
};

/// A point in a stream's work; measures no time.
class Event {
 public:
  Event();
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Memory of the current device.
class Memory {
 public:
  explicit Memory(std::size_t bytes);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  void* get() const { return data_; }

 private:
  void* data_ = nullptr;
};

/// Throws Error (internal) unless `data` is memory of `device`; `operation` and `what` name it in the
/// message.
void require_memory_of(int device, const void* data, const char* operation, const char* what);

}  // namespace rankflow::cuda
