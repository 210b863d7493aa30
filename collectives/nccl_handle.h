// Owns an ncclComm_t in NCCL's non-blocking mode: no call of NCCL waits, so a failed peer or an abort is seen
// by whoever waits here. Only nccl_*.cpp may include this.
#pragma once

#include <nccl.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "collectives/cuda_handles.h"

namespace rankflow::nccl {

/// Throws Error (internal) with the function's name and NCCL's text where `code` is no success.
void check(ncclResult_t code, const char* function);

/// NCCL's version as it is loaded, e.g. "2.28.9".
std::string version();

/// The calls that `calls` makes, as one: none of them waits for another. The first failure, or how the group
/// ended.
ncclResult_t grouped(const std::function<ncclResult_t()>& calls);

class Comm {
 public:
  /// Collective over `size` ranks with the same `id`, each on its thread's current device. Throws Error
  /// (internal) where NCCL fails or is not ready after `limit`.
  Comm(const ncclUniqueId& id, int rank, int size, std::chrono::seconds limit);

  Comm(Comm&& other) noexcept : comm_(std::move(other.comm_)) {}

  int rank() const;
  int size() const;
  /// Collective: the communicator of those that gave the same `color`, ordered by `key`; nothing for a rank
  /// whose color is negative.
  std::optional<Comm> split(int color, int key, std::chrono::seconds limit);
  /// Throws Error (internal) after an abort, a failure or close().
  ncclComm_t get(const char* function);
  /// Waits until NCCL has taken in a call that returned `result`, and, where a stream is named, until its
  /// work is done. Throws Error (internal) with NCCL's text where it failed or was aborted; the communicator
  /// is aborted then.
  void finish(ncclResult_t result, const char* function, const cuda::Stream* stream = nullptr);
  /// Waits until the work in `stream`, anybody's, is done, and looks meanwhile whether a peer failed: throws as finish().
  void watch(cudaStream_t stream);
  /// Collective; the stream's work must be done. A second call does nothing.
  void close();
  /// From any thread: makes finish() throw.
  void request_abort() noexcept { abort_requested_ = true; }

 private:
  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  struct Abort {
    void operator()(ncclComm_t comm) const noexcept;
  };

  explicit Comm(ncclComm_t made) : comm_(made) {}
  void leave_if_aborted(const char* function);
  void wait(const char* function, const cudaStream_t* stream, Deadline deadline);
  bool settled(const char* function);
  [[noreturn]] void fail(ncclResult_t code, const char* function);

  std::unique_ptr<ncclComm, Abort> comm_;
  std::atomic<bool> abort_requested_ = false;
};

}  // namespace rankflow::nccl
