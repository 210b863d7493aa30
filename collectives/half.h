// 16-bit floats on the host: conversions that round to nearest even, and what reductions do with them.
// Conversions are bit operations and compile to vector code; binary16 as in the FP16 library
// (github.com/Maratyszcza/FP16, include/fp16/fp16.h).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "collectives/dtype.h"

namespace rankflow {

inline float to_float(BF16 h) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(h.bits) << 16);
}

inline float to_float(F16 h) {
  const std::uint32_t w = static_cast<std::uint32_t>(h.bits) << 16;
  const std::uint32_t sign = w & 0x80000000U, twice = w + w;
  const float normal = std::bit_cast<float>((twice >> 4) + (0xE0U << 23)) * 0x1.0p-112F;
  const float subnormal = std::bit_cast<float>((twice >> 17) | (126U << 23)) - 0.5F;
  const std::uint32_t magnitude =
      twice < (1U << 27) ? std::bit_cast<std::uint32_t>(subnormal) : std::bit_cast<std::uint32_t>(normal);
  return std::bit_cast<float>(sign | magnitude);
}

/// Beyond the largest finite value: infinity. A NaN stays one.
inline BF16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
  const bool nan = (bits & 0x7FFFFFFFU) > 0x7F800000U;
  return {static_cast<std::uint16_t>((nan ? bits | 0x00400000U : rounded) >> 16)};
}

inline F16 to_f16(float value) {
  const auto w = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t twice = w + w, sign = w & 0x80000000U;
  const float scaled = std::bit_cast<float>(w & 0x7FFFFFFFU) * 0x1.0p+112F * 0x1.0p-110F;
  const std::uint32_t shifted = twice & 0xFF000000U;
  const std::uint32_t bias = shifted < 0x71000000U ? 0x71000000U : shifted;
  const auto bits = std::bit_cast<std::uint32_t>(std::bit_cast<float>((bias >> 1) + 0x07800000U) + scaled);
  const std::uint32_t finite = ((bits >> 13) & 0x00007C00U) + (bits & 0x00000FFFU);
  return {static_cast<std::uint16_t>((sign >> 16) | (twice > 0xFF000000U ? 0x7E00U : finite))};
}

/// `count` elements of `type` (f16 or bf16) to f32 and back. Throws Error (internal) for another type.
void widen(const void* in, std::size_t count, DType type, float* out);
void narrow(const float* in, std::size_t count, DType type, void* out);

/// in_out[i] = in[i] + in_out[i], in f32, rounded to `type` (f16 or bf16). Throws Error (internal) for another
/// type.
void add_halves(const void* in, void* in_out, std::size_t count, DType type);

}  // namespace rankflow
