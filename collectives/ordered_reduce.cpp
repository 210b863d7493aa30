#include "collectives/ordered_reduce.h"

#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "collectives/arguments.h"
#include "collectives/half.h"

namespace rankflow {
namespace {

float wide(float x) {
  return x;
}
double wide(double x) {
  return x;
}
float wide(F16 x) {
  return to_float(x);
}
float wide(BF16 x) {
  return to_float(x);
}

void store(float x, float& to) {
  to = x;
}
void store(double x, double& to) {
  to = x;
}
void store(float x, F16& to) {
  to = to_f16(x);
}
void store(float x, BF16& to) {
  to = to_bf16(x);
}

/// Calls `work` with a null pointer of the C++ type that `type` stands for.
template <typename Work>
void with_floating_type(const char* what, DType type, Work work) {
  switch (type) {
    case DType::f32:
      return work(static_cast<float*>(nullptr));
    case DType::f64:
      return work(static_cast<double*>(nullptr));
    case DType::f16:
      return work(static_cast<F16*>(nullptr));
    case DType::bf16:
      return work(static_cast<BF16*>(nullptr));
    default:
      throw Error(ExitStatus::internal, str(what, " of ", name(type)));
  }
}

template <typename T>
void pick(const T* in, T* in_out, std::size_t count, ReduceOp op) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto a = wide(in[i]), b = wide(in_out[i]);
    store(op == ReduceOp::max ? ordered_max(a, b) : ordered_min(a, b), in_out[i]);
  }
}

}  // namespace

void combine(const void* in, void* in_out, std::size_t count, DType type, ReduceOp op) {
  if (op == ReduceOp::sum) return add_halves(in, in_out, count, type);
  if (op == ReduceOp::mean) throw Error(ExitStatus::internal, "combine: a mean");
  with_floating_type("combine", type, [&]<typename T>(T*) {
    pick(static_cast<const T*>(in), static_cast<T*>(in_out), count, op);
  });
}

void reduce_gathered(const void* gathered, int ranks, std::size_t count, DType type, ReduceOp op, void* out) {
  if (!is_floating(type) || (op != ReduceOp::max && op != ReduceOp::min))
    throw Error(ExitStatus::internal, str("reduce_gathered: ", name(op), " of ", name(type)));
  const std::size_t bytes = count * size_of(type);
  std::memcpy(out, gathered, bytes);
  for (int r = 1; r < ranks; ++r)
    combine(at(gathered, static_cast<std::size_t>(r) * bytes), out, count, type, op);
}

void divide(void* data, std::size_t count, DType type, int divisor) {
  with_floating_type("divide", type, [&]<typename T>(T*) {
    T* values = static_cast<T*>(data);
    for (std::size_t i = 0; i < count; ++i) {
      const auto value = wide(values[i]);
      store(value / static_cast<decltype(value)>(divisor), values[i]);
    }
  });
}

}  // namespace rankflow
