#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "base/error.h"
#include "collectives/communicator.h"

namespace rankflow {
namespace {

using testing::ElementsAre;

/// One rank has the same contract plain and checked.
class SelfCommunicator : public testing::TestWithParam<bool> {
 protected:
  SelfCommunicator() : comm_(make_self_communicator()) {
    if (GetParam()) comm_ = make_checked(std::move(comm_));
  }
  std::unique_ptr<Communicator> comm_;
};
INSTANTIATE_TEST_SUITE_P(PlainAndChecked, SelfCommunicator, testing::Bool(),
                         [](const auto& test) { return test.param ? "checked" : "plain"; });

TEST_P(SelfCommunicator, IsRankZeroOfOne) {
  EXPECT_EQ(comm_->rank(), 0);
  EXPECT_EQ(comm_->size(), 1);
}

TEST_P(SelfCommunicator, ReductionsKeepEveryBit) {
  std::array<float, 4> values{1.5F, -0.0F, INFINITY, -1e-45F};
  for (ReduceOp op : {ReduceOp::sum, ReduceOp::max, ReduceOp::min, ReduceOp::mean}) {
    comm_->all_reduce(std::span<float>(values), op);
    comm_->reduce_scatter(values.data(), values.size(), DType::f32, op);
    EXPECT_THAT(values, ElementsAre(1.5F, 0.0F, INFINITY, -1e-45F));
    EXPECT_TRUE(std::signbit(values[1]));
  }
}

TEST_P(SelfCommunicator, GathersCopy) {
  const std::array<std::int32_t, 3> mine{1, 2, 3};
  std::array<std::int32_t, 3> out{};
  comm_->all_gather(mine.data(), sizeof mine, out.data());
  EXPECT_EQ(out, mine);

  const std::array<std::int64_t, 1> sizes{8};
  out = {};
  comm_->all_gather_unequal(mine.data(), sizes, out.data());
  EXPECT_THAT(out, ElementsAre(1, 2, 0));
  out = {};
  comm_->gather_unequal(mine.data(), sizes, out.data(), 0);
  EXPECT_THAT(out, ElementsAre(1, 2, 0));
}

TEST_P(SelfCommunicator, NothingIsGatheredFromNullBuffers) {
  const std::array<std::int64_t, 1> none{0};
  comm_->all_gather(nullptr, 0, nullptr);
  comm_->all_gather_unequal(nullptr, none, nullptr);
  comm_->gather_unequal(nullptr, none, nullptr, 0);
  EXPECT_TRUE(comm_->all_gather_vector(std::span<const double>()).empty());
}

TEST_P(SelfCommunicator, RefusesRootsAndSizesOfOtherRanks) {
  char byte = 'x', out[2];
  const std::array<std::int64_t, 2> two{1, 1};
  const std::array<std::int64_t, 1> negative{-1};
  EXPECT_THROW(comm_->broadcast(&byte, 1, 1), Error);
  EXPECT_THROW(comm_->all_gather_unequal(&byte, two, out), Error);
  EXPECT_THROW(comm_->gather_unequal(&byte, negative, out, 0), Error);
  EXPECT_THROW(comm_->gather_unequal(&byte, std::span(two).first(1), out, 1), Error);
}

TEST_P(SelfCommunicator, TextsAndValues) {
  EXPECT_THAT(comm_->all_gather_text("one"), ElementsAre("one"));
  EXPECT_THAT(comm_->all_gather_text(""), ElementsAre(""));
  EXPECT_EQ(comm_->broadcast_text("root's"), "root's");
  EXPECT_THAT(comm_->all_gather_value(7), ElementsAre(7));
  EXPECT_TRUE(comm_->all_agree(true));
  EXPECT_FALSE(comm_->all_agree(false));
  comm_->barrier();
  comm_->close();
}

TEST_P(SelfCommunicator, GatherAndSplit) {
  const std::int32_t mine = 7;
  std::int32_t out = 0;
  comm_->gather(&mine, sizeof mine, &out, 0);
  EXPECT_EQ(out, 7);
  EXPECT_EQ(comm_->split(-1), nullptr);
  EXPECT_EQ(comm_->split(5)->size(), 1);
}

TEST_P(SelfCommunicator, RefusesReductionsThatMeanNothing) {
  bool flag = true;
  std::int32_t whole = 1;
  EXPECT_TRUE(comm_->all_reduce_value(flag, ReduceOp::max));
  EXPECT_THROW(comm_->all_reduce_value(flag, ReduceOp::sum), Error);
  EXPECT_THROW(comm_->all_reduce_value(flag, ReduceOp::mean), Error);
  EXPECT_THROW(comm_->reduce_scatter(&whole, 1, DType::i32, ReduceOp::mean), Error);
}

TEST(Names, OfEveryDtypeAndReduction) {
  EXPECT_STREQ(name(DType::u8), "u8");
  EXPECT_STREQ(name(DType::i32), "i32");
  EXPECT_STREQ(name(DType::i64), "i64");
  EXPECT_STREQ(name(DType::f32), "f32");
  EXPECT_STREQ(name(DType::f64), "f64");
  EXPECT_STREQ(name(DType::boolean), "bool");
  EXPECT_STREQ(name(DType::f16), "f16");
  EXPECT_STREQ(name(DType::bf16), "bf16");
  EXPECT_STREQ(name(ReduceOp::mean), "mean");
  EXPECT_STREQ(name(ReduceOp::sum), "sum");
  EXPECT_STREQ(name(ReduceOp::max), "max");
  EXPECT_STREQ(name(ReduceOp::min), "min");
}

}  // namespace
}  // namespace rankflow
