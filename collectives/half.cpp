#include "collectives/half.h"

#include "base/error.h"
#include "base/text.h"

// Each loop is compiled for several kinds of processor, and the program takes the best at its start. The results are
// the same bits. Sanitizers run before the functions that would choose can.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RANKFLOW_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define RANKFLOW_VECTOR_CLONES
#endif

namespace rankflow {
namespace {

RANKFLOW_VECTOR_CLONES void widen_bf16(const BF16* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_float(in[i]);
}

RANKFLOW_VECTOR_CLONES void widen_f16(const F16* in, std::size_t count, float* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_float(in[i]);
}

RANKFLOW_VECTOR_CLONES void narrow_bf16(const float* in, std::size_t count, BF16* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_bf16(in[i]);
}

RANKFLOW_VECTOR_CLONES void narrow_f16(const float* in, std::size_t count, F16* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = to_f16(in[i]);
}

RANKFLOW_VECTOR_CLONES void add_bf16(const BF16* in, std::size_t count, BF16* in_out) {
  for (std::size_t i = 0; i < count; ++i) in_out[i] = to_bf16(to_float(in[i]) + to_float(in_out[i]));
}

RANKFLOW_VECTOR_CLONES void add_f16(const F16* in, std::size_t count, F16* in_out) {
  for (std::size_t i = 0; i < count; ++i) in_out[i] = to_f16(to_float(in[i]) + to_float(in_out[i]));
}

void require_half(DType type) {
  if (type != DType::f16 && type != DType::bf16)
    throw Error(ExitStatus::internal, str(name(type), " is no 16-bit float"));
}

}  // namespace

void widen(const void* in, std::size_t count, DType type, float* out) {
  require_half(type);
  if (type == DType::bf16)
    widen_bf16(static_cast<const BF16*>(in), count, out);
  else
    widen_f16(static_cast<const F16*>(in), count, out);
}

void narrow(const float* in, std::size_t count, DType type, void* out) {
  require_half(type);
  if (type == DType::bf16)
    narrow_bf16(in, count, static_cast<BF16*>(out));
  else
    narrow_f16(in, count, static_cast<F16*>(out));
}

void add_halves(const void* in, void* in_out, std::size_t count, DType type) {
  require_half(type);
  if (type == DType::bf16)
    add_bf16(static_cast<const BF16*>(in), count, static_cast<BF16*>(in_out));
  else
    add_f16(static_cast<const F16*>(in), count, static_cast<F16*>(in_out));
}

}  // namespace rankflow
