#include "steps/tensor_memory.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>

#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;

/// Eighths of a power of two: batches of almost the same size share blocks, and no more than an eighth lies idle.
std::size_t rounded_up(std::size_t bytes) {
  const std::size_t unit = std::bit_floor(bytes) / 8;
  return (bytes + unit - 1) / unit * unit;
}

/// Null where there is no memory.
void* new_block(std::size_t bytes) {
  void* data = nullptr;
  if (posix_memalign(&data, huge_page, bytes) != 0) return nullptr;
  // A kernel without huge pages refuses: the block is good without.
  if (bytes >= huge_page) static_cast<void>(madvise(data, bytes / huge_page * huge_page, MADV_HUGEPAGE));
  return data;
}

/// Blocks of LibTorch's own allocator seldom are, so they seldom need to be looked up.
bool may_be_a_block(void* data) {
  return reinterpret_cast<std::uintptr_t>(data) % huge_page == 0;
}

}  // namespace

void TensorMemory::Free::operator()(void* data) const {
  std::free(data);
}

c10::DataPtr TensorMemory::allocate(std::size_t bytes) {
  const c10::Device cpu(c10::DeviceType::CPU);
  if (bytes < smallest) {
    void* const data = small_.raw_allocate(bytes);
    return {data, data, &give_back, cpu};
  }
  const std::size_t size = rounded_up(bytes);
  Data block = take(size);
  if (!block) block.reset(new_block(size));
  if (!block) {
    release();
    block.reset(new_block(size));
  }
  if (!block) throw out_of_memory(size);
  void* const data = block.get();
  {
    const std::lock_guard lock(mutex_);
    used_.emplace(data, size);
    in_use_ += size;
    most_in_use_ = std::max(most_in_use_, in_use_);
  }
  return {block.release(), data, &give_back, cpu};
}

c10::DeleterFnPtr TensorMemory::raw_deleter() const {
  return &give_back;
}

void TensorMemory::copy_data(void* to, const void* from, std::size_t bytes) const {
  default_copy_data(to, from, bytes);
}

void TensorMemory::give_back(void* data) {
  TensorMemory& memory = tensor_memory();
  if (!data || (may_be_a_block(data) && memory.keep(data))) return;
  memory.small_.raw_deallocate(data);
}

Error TensorMemory::out_of_memory(std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  return Error(
      ExitStatus::internal,
      str("out of memory: there are no ", human_bytes(static_cast<double>(bytes)), " for a tensor, with ",
          human_bytes(static_cast<double>(in_use_)), " of tensors in use"),
      "more memory for the job, smaller batches (batch_size, accumulate), or more ranks on more nodes");
}

TensorMemory::Data TensorMemory::take(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = free_.find(bytes);
  if (found == free_.end() || found->second.empty()) return nullptr;
  Data data = std::move(found->second.back());
  found->second.pop_back();
  kept_ -= bytes;
  return data;
}

/// False where it is none of our blocks.
bool TensorMemory::keep(void* data) {
  Blocks outdated;  // freed without the lock
  const std::lock_guard lock(mutex_);
  const auto found = used_.find(data);
  if (found == used_.end()) return false;
  Data block(data);
  const std::size_t bytes = found->second;
  used_.erase(found);
  in_use_ -= bytes;
  // The sizes have changed, as from training to validation: what is kept is of no use any more.
  if (kept_ + bytes > most_in_use_) {
    outdated.swap(free_);
    kept_ = 0;
  }
  free_[bytes].push_back(std::move(block));
  kept_ += bytes;
  return true;
}

void TensorMemory::release() {
  Blocks outdated;
  const std::lock_guard lock(mutex_);
  outdated.swap(free_);
  kept_ = 0;
  most_in_use_ = in_use_;
}

std::size_t TensorMemory::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

TensorMemory& tensor_memory() {
  // Never destroyed: tensors may outlive every other object.
  static TensorMemory* const memory = [] {
    auto* made = new TensorMemory(*c10::GetDefaultCPUAllocator());
    c10::SetCPUAllocator(made, /*priority=*/1);
    return made;
  }();
  return *memory;
}

}  // namespace rankflow
