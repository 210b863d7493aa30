#include "collectives/ordered_reduce.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

template <typename T>
void reduce(const T* gathered, int ranks, std::size_t count, ReduceOp op, T* out) {
  std::copy_n(gathered, count, out);
  for (int r = 1; r < ranks; ++r) {
    const T* next = gathered + static_cast<std::size_t>(r) * count;
    for (std::size_t i = 0; i < count; ++i)
      out[i] = op == ReduceOp::max ? ordered_max(out[i], next[i]) : ordered_min(out[i], next[i]);
  }
}

}  // namespace

void reduce_gathered(const void* gathered, int ranks, std::size_t count, DType type, ReduceOp op, void* out) {
  if (op == ReduceOp::sum || (type != DType::f32 && type != DType::f64))
    throw Error(ExitStatus::internal, str("reduce_gathered: ", name(op), " of ", name(type)));
  if (type == DType::f32)
    reduce(static_cast<const float*>(gathered), ranks, count, op, static_cast<float*>(out));
  else
    reduce(static_cast<const double*>(gathered), ranks, count, op, static_cast<double*>(out));
}

}  // namespace rankflow
