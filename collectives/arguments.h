// What the backends check before they send anything, and where unequal sizes lie in the joined result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "collectives/dtype.h"

namespace rankflow {

/// Throws Error (internal) where there is no rank `root` among `ranks`.
void require_root(const char* operation, int root, int ranks);
/// Throws Error (internal) unless there is one size for each rank and none is negative.
void require_sizes(const char* operation, std::span<const std::int64_t> sizes, int ranks);

/// Throws Error (internal) where `op` makes no sense for `type`: see Communicator::all_reduce.
void require_reduction(const char* operation, DType type, ReduceOp op);

/// Where each rank's bytes begin when they are joined in rank order, and how many there are in all.
struct Layout {
  std::vector<std::size_t> offsets;
  std::size_t total = 0;
};
Layout layout_of(std::span<const std::int64_t> sizes);

inline std::byte* at(void* data, std::size_t offset) {
  return static_cast<std::byte*>(data) + offset;
}
inline const std::byte* at(const void* data, std::size_t offset) {
  return static_cast<const std::byte*>(data) + offset;
}

}  // namespace rankflow
