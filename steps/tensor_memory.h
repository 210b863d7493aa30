// Memory of large tensors, kept for the next tensor of that size. A step of training allocates and frees the same
// activations again and again; the C library gives blocks this large back to the kernel, which clears each page of them
// the next time: a third of the time of a small convolutional network.
#pragma once

#include <c10/core/Allocator.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/error.h"

namespace rankflow {

/// The allocator of LibTorch's tensors on the CPU; there is one, tensor_memory(). Keeps no more than was in use at once. Any
/// thread may allocate and free.
class TensorMemory : public c10::Allocator {
 public:
  /// Allocations below this come from LibTorch's own allocator.
  static constexpr std::size_t smallest = std::size_t{1} << 20;

  TensorMemory(const TensorMemory&) = delete;
  TensorMemory& operator=(const TensorMemory&) = delete;

  /// From `smallest` on aligned to 2 MiB, and on huge pages where the kernel gives them on request. Throws Error
  /// (internal) where there is no memory.
  c10::DataPtr allocate(std::size_t bytes) override;
  c10::DeleterFnPtr raw_deleter() const override;
  void copy_data(void* to, const void* from, std::size_t bytes) const override;

  /// Gives all that is kept back to the system.
  void release();
  /// Bytes.
  std::size_t kept() const;

 private:
  friend TensorMemory& tensor_memory();
  struct Free {
    void operator()(void* data) const;
  };
  using Data = std::unique_ptr<void, Free>;
  using Blocks = std::map<std::size_t, std::vector<Data>>;  // by bytes

  explicit TensorMemory(c10::Allocator& small) : small_(small) {}
  /// LibTorch knows a deleter by its address alone, so it can't belong to one of several allocators.
  static void give_back(void* data);
  bool keep(void* data);
  Data take(std::size_t bytes);
  Error out_of_memory(std::size_t bytes) const;

  c10::Allocator& small_;
  mutable std::mutex mutex_;
  std::unordered_map<void*, std::size_t> used_;  // bytes of the blocks in use
  Blocks free_;
  std::size_t kept_ = 0, in_use_ = 0, most_in_use_ = 0;
};

/// That of all tensors of this process from the first call on.
TensorMemory& tensor_memory();

}  // namespace rankflow
