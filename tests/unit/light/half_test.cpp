// Conversions of 16-bit floats, all 65,536 of each, against arithmetic on doubles.
#include "collectives/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"

namespace rankflow {
namespace {

/// The value of sign, exponent and fraction as IEEE 754 defines it.
double value_of(std::uint16_t bits, int fraction_bits) {
  const int exponent_bits = 15 - fraction_bits, bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const int fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1)
    return fraction ? std::numeric_limits<double>::quiet_NaN()
                    : sign * std::numeric_limits<double>::infinity();
  const int whole = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
  return sign * std::ldexp(whole, std::max(exponent, 1) - bias - fraction_bits);
}

template <typename T>
struct Kind;
template <>
struct Kind<F16> {
  static constexpr int fraction_bits = 10;
  static F16 from(float x) { return to_f16(x); }
};
template <>
struct Kind<BF16> {
  static constexpr int fraction_bits = 7;
  static BF16 from(float x) { return to_bf16(x); }
};

template <typename T>
class Half : public testing::Test {
 protected:
  static double value(std::uint32_t bits) {
    return value_of(static_cast<std::uint16_t>(bits), Kind<T>::fraction_bits);
  }
};
using Types = testing::Types<F16, BF16>;
TYPED_TEST_SUITE(Half, Types);

TYPED_TEST(Half, EveryValueWidensAndComesBack) {
  for (std::uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const TypeParam half{static_cast<std::uint16_t>(bits)};
    const float wide = to_float(half);
    const double expected = this->value(bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(wide)) << bits;
      ASSERT_TRUE(std::isnan(to_float(Kind<TypeParam>::from(wide)))) << bits;
      continue;
    }
    ASSERT_EQ(wide, expected) << bits;
    ASSERT_EQ(std::signbit(wide), std::signbit(expected)) << bits;
    ASSERT_EQ(Kind<TypeParam>::from(wide), half) << bits;
  }
}

TYPED_TEST(Half, RoundsToTheNearestAndTiesToEven) {
  const std::uint32_t infinity = 0x7FFFU & ~((1U << Kind<TypeParam>::fraction_bits) - 1);
  for (std::uint32_t bits = 0; bits + 1 < infinity; ++bits) {
    const auto low = static_cast<float>(this->value(bits)), high = static_cast<float>(this->value(bits + 1));
    const auto middle = static_cast<float>((this->value(bits) + this->value(bits + 1)) / 2);
    const auto rounded = [](float x) { return std::uint32_t{Kind<TypeParam>::from(x).bits}; };
    ASSERT_EQ(rounded(middle), bits % 2 == 0 ? bits : bits + 1) << bits;
    ASSERT_EQ(rounded(std::nextafter(middle, low)), bits) << bits;
    ASSERT_EQ(rounded(std::nextafter(middle, high)), bits + 1) << bits;
    ASSERT_EQ(rounded(-middle), (bits % 2 == 0 ? bits : bits + 1) | 0x8000U) << bits;
  }
  EXPECT_EQ(Kind<TypeParam>::from(std::numeric_limits<float>::max()).bits, infinity);
}

TYPED_TEST(Half, ArraysAreConvertedAndAddedElementByElement) {
  constexpr DType type = dtype_of<TypeParam>::value;
  std::vector<TypeParam> halves, more;
  for (std::uint32_t bits = 0; bits < 1001; ++bits) {
    halves.push_back({static_cast<std::uint16_t>(bits * 31)});
    more.push_back({static_cast<std::uint16_t>(bits * 17 + 5)});
  }
  std::vector<float> wide(halves.size());
  widen(halves.data(), halves.size(), type, wide.data());
  std::vector<TypeParam> again(halves.size());
  narrow(wide.data(), wide.size(), type, again.data());
  std::vector<TypeParam> sums = more;
  add_halves(halves.data(), sums.data(), sums.size(), type);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    if (std::isnan(wide[i])) continue;
    ASSERT_EQ(wide[i], to_float(halves[i]));
    ASSERT_EQ(again[i], halves[i]);
    const float sum = to_float(halves[i]) + to_float(more[i]);
    if (std::isnan(sum)) continue;
    ASSERT_EQ(sums[i], Kind<TypeParam>::from(sum));
  }
}

TEST(HalfTypes, OthersAreRefused) {
  float wide = 0;
  EXPECT_THROW(widen(&wide, 1, DType::f32, &wide), Error);
  EXPECT_THROW(narrow(&wide, 1, DType::i32, &wide), Error);
  EXPECT_THROW(add_halves(&wide, &wide, 1, DType::f32), Error);
}

}  // namespace
}  // namespace rankflow
