// Reductions over MPI, of every type, against what one rank computes by itself: their bits, what is no number, and what means
// nothing.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "collectives/half.h"
#include "tests/mpi/collective_values.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

bool same_bits_everywhere(Communicator& comm, const void* data, std::size_t bytes) {
  std::string all(bytes * static_cast<std::size_t>(comm.size()), '\0');
  comm.all_gather(data, bytes, all.data());
  bool same = true;
  for (int r = 0; r < comm.size(); ++r)
    same = same && std::memcmp(all.data() + static_cast<std::size_t>(r) * bytes, data, bytes) == 0;
  return same;
}

template <typename T>
class AllReduce : public testing::Test {};
using Types = testing::Types<std::uint8_t, std::int32_t, std::int64_t, float, double>;
TYPED_TEST_SUITE(AllReduce, Types);

TYPED_TEST(AllReduce, EqualsOneRank) {
  Communicator& all = test_world().all();
  for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
    for (std::size_t count : kCounts) {
      auto mine = values_of<TypeParam>(all.rank(), count);
      all.all_reduce(std::span(mine), op);
      EXPECT_TRUE(mine == reference<TypeParam>(all.size(), count, op)) << name(op) << " of " << count;
    }
  }
}

/// Values whose sum over a few ranks 16 bits hold exactly.
template <typename T>
class AllReduceHalves : public testing::Test {
 protected:
  static T half(float x) {
    if constexpr (std::is_same_v<T, F16>)
      return to_f16(x);
    else
      return to_bf16(x);
  }
  static std::vector<T> halves(const std::vector<float>& wide) {
    std::vector<T> values;
    for (float x : wide) values.push_back(half(x));
    return values;
  }
};
using HalfTypes = testing::Types<F16, BF16>;
TYPED_TEST_SUITE(AllReduceHalves, HalfTypes);

TYPED_TEST(AllReduceHalves, EqualsOneRank) {
  Communicator& all = test_world().all();
  for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min}) {
    for (std::size_t count : kCounts) {
      auto mine = this->halves(values_of<float>(all.rank(), count));
      all.all_reduce(std::span(mine), op);
      EXPECT_TRUE(mine == this->halves(reference<float>(all.size(), count, op)))
          << name(op) << " of " << count;
    }
  }
}

TYPED_TEST(AllReduceHalves, SumsThatAreRoundedAreTheSameEverywhere) {
  Communicator& all = test_world().all();
  std::vector<TypeParam> mine;
  for (int i = 0; i < 10'007; ++i)
    mine.push_back(this->half(static_cast<float>(std::sin(i * (all.rank() + 1)))));
  all.all_reduce(std::span(mine), ReduceOp::sum);
  EXPECT_TRUE(same_bits_everywhere(all, mine.data(), mine.size() * sizeof(TypeParam)));
}

TYPED_TEST(AllReduceHalves, NanWins) {
  Communicator& all = test_world().all();
  const auto mine = this->half(all.rank() == all.size() - 1 ? std::nanf("") : 1.0F);
  EXPECT_TRUE(std::isnan(to_float(all.all_reduce_value(mine, ReduceOp::max))));
}

TEST(AllReduceMean, IsTheSumDividedByTheRanks) {
  Communicator& all = test_world().all();
  const float expected = static_cast<float>(all.size() - 1) / 2;
  EXPECT_EQ(all.all_reduce_value(static_cast<float>(all.rank()), ReduceOp::mean), expected);
  EXPECT_EQ(all.all_reduce_value(static_cast<double>(all.rank()), ReduceOp::mean), expected);
  EXPECT_EQ(to_float(all.all_reduce_value(to_f16(static_cast<float>(all.rank())), ReduceOp::mean)), expected);
  EXPECT_EQ(to_float(all.all_reduce_value(to_bf16(static_cast<float>(all.rank())), ReduceOp::mean)),
            expected);
}

TEST(AllReduceBool, MaxIsAnyAndMinIsAll) {
  Communicator& all = test_world().all();
  const bool first = all.rank() == 0;
  EXPECT_TRUE(all.all_reduce_value(first, ReduceOp::max));
  EXPECT_EQ(all.all_reduce_value(first, ReduceOp::min), all.size() == 1);
}

TEST(AllReduceArguments, ReductionsThatMeanNothing) {
  Communicator& all = test_world().all();
  EXPECT_THROW(all.all_reduce_value(true, ReduceOp::sum), Error);
  EXPECT_THROW(all.all_reduce_value<std::int32_t>(1, ReduceOp::mean), Error);
}

TEST(AllReduceBits, SumsThatDependOnTheOrderAreTheSameEverywhere) {
  Communicator& all = test_world().all();
  for (std::size_t count : {1, 7, 1000, 100'003}) {
    std::vector<float> mine(count);
    for (std::size_t i = 0; i < count; ++i)
      mine[i] =
          static_cast<float>(std::sin(static_cast<double>(i + 1) * (all.rank() + 1)) * std::pow(10.0, i % 9));
    all.all_reduce(std::span(mine), ReduceOp::sum);
    EXPECT_TRUE(same_bits_everywhere(all, mine.data(), mine.size() * sizeof(float))) << count << " elements";
  }
}

TEST(AllReduceBits, NanWinsMaxAndMinOnEveryRank) {
  Communicator& all = test_world().all();
  for (ReduceOp op : {ReduceOp::max, ReduceOp::min}) {
    for (int holder = 0; holder < all.size(); ++holder) {
      const double mine = all.rank() == holder ? std::nan("") : all.rank();
      const double result = all.all_reduce_value(mine, op);
      EXPECT_TRUE(std::isnan(result)) << name(op) << ", NaN on rank " << holder;
      EXPECT_TRUE(same_bits_everywhere(all, &result, sizeof result));
    }
  }
}

TEST(AllReduceBits, ZerosOfUnlikeSignAreOrdered) {
  Communicator& all = test_world().all();
  for (int negative = 0; negative < all.size(); ++negative) {
    const float mine = all.rank() == negative ? -0.0F : 0.0F;
    EXPECT_EQ(std::signbit(all.all_reduce_value(mine, ReduceOp::max)), all.size() == 1);
    EXPECT_TRUE(std::signbit(all.all_reduce_value(mine, ReduceOp::min)));
  }
}

TEST(AllReduceBits, InfinitiesAreNumbers) {
  Communicator& all = test_world().all();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const float mine = all.rank() == 0 ? infinity : 1.0F;
  EXPECT_EQ(all.all_reduce_value(mine, ReduceOp::max), infinity);
  EXPECT_EQ(all.all_reduce_value(mine, ReduceOp::min), all.size() == 1 ? infinity : 1.0F);
}

}  // namespace
}  // namespace rankflow
