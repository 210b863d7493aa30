// Element types and reductions, as collectives and files name them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace rankflow {

/// `boolean` is one byte, 0 or 1; `f16` is IEEE binary16, `bf16` the upper half of an f32.
enum class DType { u8, i32, i64, f32, f64, boolean, f16, bf16 };
/// `mean` is the sum divided by the number of ranks, for floating-point types.
enum class ReduceOp { sum, max, min, mean };

constexpr std::size_t size_of(DType t) {
  switch (t) {
    case DType::u8:
    case DType::boolean:
      return 1;
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::i32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::f64:
      return 8;
  }
  return 0;
}
constexpr bool is_floating(DType t) {
  return t == DType::f32 || t == DType::f64 || t == DType::f16 || t == DType::bf16;
}
const char* name(DType t);
const char* name(ReduceOp op);

/// 16-bit floats as they travel; collectives/half.h converts them.
struct F16 {
  std::uint16_t bits = 0;
  friend bool operator==(const F16&, const F16&) = default;
};
struct BF16 {
  std::uint16_t bits = 0;
  friend bool operator==(const BF16&, const BF16&) = default;
};

template <typename T>
struct dtype_of;
template <>
struct dtype_of<bool> : std::integral_constant<DType, DType::boolean> {};
template <>
struct dtype_of<std::uint8_t> : std::integral_constant<DType, DType::u8> {};
template <>
struct dtype_of<std::byte> : std::integral_constant<DType, DType::u8> {};
template <>
struct dtype_of<std::int32_t> : std::integral_constant<DType, DType::i32> {};
template <>
struct dtype_of<std::int64_t> : std::integral_constant<DType, DType::i64> {};
template <>
struct dtype_of<F16> : std::integral_constant<DType, DType::f16> {};
template <>
struct dtype_of<BF16> : std::integral_constant<DType, DType::bf16> {};
template <>
struct dtype_of<float> : std::integral_constant<DType, DType::f32> {};
template <>
struct dtype_of<double> : std::integral_constant<DType, DType::f64> {};

}  // namespace rankflow
