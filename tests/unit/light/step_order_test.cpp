#include "runtime/step_order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StepOrder, KeepsTheGivenOrderWhereItCan) {
  EXPECT_THAT(order_steps({}).order, IsEmpty());
  EXPECT_THAT(order_steps({{}, {}, {}}).order, ElementsAre(0, 1, 2));
  EXPECT_THAT(order_steps({{}, {0}, {}, {1, 2}}).order, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(order_steps({{3}, {}, {0}, {1}}).order, ElementsAre(1, 3, 0, 2));
}

TEST(StepOrder, FindsTheCycleAndNotWhatHangsOnIt) {
  EXPECT_THAT(order_steps({{0}}).cycle, ElementsAre(0));
  EXPECT_THAT(order_steps({{}, {2}, {3}, {2}}).cycle, ElementsAre(2, 3));
  EXPECT_THAT(order_steps({{3}, {0}, {}, {1}}).cycle, ElementsAre(0, 3, 1));
}

TEST(StepOrder, LongChainsAreNoProblem) {
  const std::size_t n = 100'000;
  std::vector<std::vector<std::size_t>> needs(n);
  for (std::size_t i = 0; i + 1 < n; ++i) needs[i] = {i + 1};
  EXPECT_EQ(order_steps(needs).order.front(), n - 1);
  needs[n - 1] = {0};
  EXPECT_EQ(order_steps(needs).cycle.size(), n);
}

}  // namespace
}  // namespace rankflow
