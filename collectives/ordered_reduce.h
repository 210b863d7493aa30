// Reductions on the host whose result does not depend on the order of the operands: the libraries' own max and
// min leave NaN, and zeros of unlike sign, to it, and it differs between ranks.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "collectives/dtype.h"

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

/// in_out[i] = op(in[i], in_out[i]) for max and min of floating-point types, and for the sum of f16 and bf16.
/// Throws Error (internal) for anything else: the libraries do that themselves.
void combine(const void* in, void* in_out, std::size_t count, DType type, ReduceOp op);

/// `gathered` holds `ranks` runs of `count` elements of a floating-point `type`, rank after rank; `out` gets
/// the `count` element-wise results of `op` (max or min). With one rank they are its bits. Throws Error
/// (internal) for another dtype or for a sum.
void reduce_gathered(const void* gathered, int ranks, std::size_t count, DType type, ReduceOp op, void* out);

/// What makes a mean of a sum. Floating-point types only, Error (internal) otherwise.
void divide(void* data, std::size_t count, DType type, int divisor);

}  // namespace rankflow
