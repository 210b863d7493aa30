// max and min of floating-point numbers give the same bits in every order of the ranks.
#include "collectives/ordered_reduce.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "collectives/half.h"

namespace rankflow {
namespace {

template <typename T>
class OrderedReduce : public testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(OrderedReduce, Types);

template <typename T>
using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;

TYPED_TEST(OrderedReduce, EveryOrderOfRanksGivesTheSameBits) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN(), inf = std::numeric_limits<T>::infinity();
  struct Case {
    std::vector<T> values;
    T max, min;
  };
  const std::vector<Case> cases = {
      {{3, -1, 2}, 3, -1},
      {{T(0.0), T(-0.0), T(0.0)}, T(0.0), T(-0.0)},
      {{1, nan, -nan}, nan, nan},
      {{inf, -inf, 1}, inf, -inf},
  };
  for (const auto& c : cases) {
    std::vector<int> order = {0, 1, 2};
    do {
      std::vector<T> ranks;
      for (int i : order) ranks.push_back(c.values[static_cast<std::size_t>(i)]);
      T max{}, min{};
      reduce_gathered(ranks.data(), 3, 1, dtype_of<T>::value, ReduceOp::max, &max);
      reduce_gathered(ranks.data(), 3, 1, dtype_of<T>::value, ReduceOp::min, &min);
      EXPECT_EQ(std::bit_cast<Bits<T>>(max), std::bit_cast<Bits<T>>(c.max));
      EXPECT_EQ(std::bit_cast<Bits<T>>(min), std::bit_cast<Bits<T>>(c.min));
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TYPED_TEST(OrderedReduce, WorksElementByElement) {
  using T = TypeParam;
  const std::vector<T> gathered = {1, 9, 3, /* rank 1 */ 4, 2, 3};
  std::vector<T> out(3);
  reduce_gathered(gathered.data(), 2, 3, dtype_of<T>::value, ReduceOp::max, out.data());
  EXPECT_EQ(out, (std::vector<T>{4, 9, 3}));
}

TEST(OrderedReduceArguments, RefusesWhatNeedsNoOrder) {
  float out = 0;
  const float one = 1;
  EXPECT_THROW(reduce_gathered(&one, 1, 1, DType::f32, ReduceOp::sum, &out), Error);
  EXPECT_THROW(reduce_gathered(&one, 1, 1, DType::i32, ReduceOp::max, &out), Error);
  EXPECT_THROW(combine(&one, &out, 1, DType::i32, ReduceOp::max), Error);
  EXPECT_THROW(combine(&one, &out, 1, DType::f32, ReduceOp::sum), Error);
  EXPECT_THROW(combine(&one, &out, 1, DType::f32, ReduceOp::mean), Error);
  std::int32_t whole = 4;
  EXPECT_THROW(divide(&whole, 1, DType::i32, 2), Error);
}

TEST(OrderedReduceHalves, LikeTheirValuesInF32) {
  const std::vector<F16> a = {to_f16(1), to_f16(-0.0F), to_f16(NAN)}, b = {to_f16(2), to_f16(0), to_f16(3)};
  std::vector<F16> max = a, min = a;
  combine(b.data(), max.data(), 3, DType::f16, ReduceOp::max);
  combine(b.data(), min.data(), 3, DType::f16, ReduceOp::min);
  EXPECT_EQ(to_float(max[0]), 2);
  EXPECT_EQ(to_float(min[0]), 1);
  EXPECT_EQ(max[1], to_f16(0));
  EXPECT_EQ(min[1], to_f16(-0.0F));
  EXPECT_TRUE(std::isnan(to_float(max[2])) && std::isnan(to_float(min[2])));
}

TEST(Divide, RoundsInTheTypeItself) {
  double d = 1;
  BF16 h = to_bf16(1);
  divide(&d, 1, DType::f64, 3);
  divide(&h, 1, DType::bf16, 3);
  EXPECT_EQ(d, 1.0 / 3);
  EXPECT_EQ(h, to_bf16(1.0F / 3));
}

}  // namespace
}  // namespace rankflow
