// What tests of collectives bring, and what one rank computes from all of it by itself.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "collectives/communicator.h"

namespace rankflow {

inline constexpr std::size_t kCounts[] = {0, 1, 7, 1'000'000};

/// What rank `r` brings: small whole numbers, so that every order of summing gives the same.
template <typename T>
std::vector<T> values_of(int r, std::size_t count) {
  std::vector<T> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<T>((i * 7 + static_cast<std::size_t>(r) * 3) % 23);
  return values;
}

template <typename T>
T reduce(T a, T b, ReduceOp op) {
  if (op == ReduceOp::sum) return static_cast<T>(a + b);
  return op == ReduceOp::max ? std::max(a, b) : std::min(a, b);
}

template <typename T>
std::vector<T> reference(int size, std::size_t count, ReduceOp op) {
  auto total = values_of<T>(0, count);
  for (int r = 1; r < size; ++r) {
    const auto more = values_of<T>(r, count);
    for (std::size_t i = 0; i < count; ++i) total[i] = reduce(total[i], more[i], op);
  }
  return total;
}

}  // namespace rankflow
