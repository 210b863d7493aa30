// max and min of floating-point numbers that don't depend on the order of the operands: the libraries' own
// leave NaN, and zeros of unlike sign, to it, and it differs between ranks.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "collectives/communicator.h"

namespace rankflow {

/// NaN wins, always in the same bits, and -0 is below +0.
template <typename T>
T ordered_max(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  if (a == b) return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

template <typename T>
T ordered_min(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<T>::quiet_NaN();
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}

/// `gathered` holds `ranks` runs of `count` elements of `type` (f32 or f64), rank after rank; `out` gets the
/// `count` element-wise results of `op` (max or min). With one rank they are its bits. Throws Error
/// (internal) for another dtype or for a sum.
void reduce_gathered(const void* gathered, int ranks, std::size_t count, DType type, ReduceOp op, void* out);

}  // namespace rankflow
