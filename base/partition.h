// Dividing n things among k takers: the arithmetic behind every shard, in one place.
#pragma once

#include <cstdint>

namespace rankflow {

/// Half-open range [begin, end).
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  friend bool operator==(const Range&, const Range&) = default;
};

/// The `index`-th of `parts` consecutive, nearly equal pieces of [0, total): the first total % parts are one
/// longer.
constexpr Range partition(std::int64_t total, std::int64_t parts, std::int64_t index) {
  const std::int64_t base = total / parts, longer = total % parts;
  const std::int64_t begin = index * base + (index < longer ? index : longer);
  return {begin, begin + base + (index < longer ? 1 : 0)};
}

/// Number of blocks of `block` things that hold `total` of them.
constexpr std::int64_t ceil_div(std::int64_t total, std::int64_t block) {
  return (total + block - 1) / block;
}

}  // namespace rankflow
