#include "runtime/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Free ranks, as many per node as `sizes` says.
std::vector<RankState> free_nodes(const std::vector<int>& sizes) {
  std::vector<RankState> world;
  for (std::size_t node = 0; node < sizes.size(); ++node) {
    for (int i = 0; i < sizes[node]; ++i) world.push_back({static_cast<int>(node), 0, false});
  }
  return world;
}

ReadyStep ready(std::size_t step, int ranks, double priority = 1) {
  return {step, ranks, priority, true};
}

Assignment runs(std::size_t step, std::vector<int> ranks) {
  return {step, std::move(ranks), false};
}
Assignment queued(std::size_t step, int rank) {
  return {step, {rank}, true};
}

std::vector<int> ranks_given(int wanted, const std::vector<RankState>& world) {
  const auto given = assign({ready(0, wanted)}, world, 0);
  return given.empty() ? std::vector<int>{} : given.front().ranks;
}

TEST(Schedule, CriticalLengthsCountTheStepsToTheEnd) {
  Pipeline pipeline;
  pipeline.steps.resize(5);
  pipeline.steps[1].needs = {0};
  pipeline.steps[2].needs = {0};
  pipeline.steps[3].needs = {1};
  EXPECT_THAT(critical_lengths(pipeline), ElementsAre(3, 2, 1, 1, 1));
}

TEST(Schedule, ResolvesRanks) {
  PipelineStep step;
  step.name = "train";
  EXPECT_EQ(resolve_ranks(step, 4), 4);
  step.ranks = 3;
  EXPECT_EQ(resolve_ranks(step, 4), 3);
  step.ranks = 8;
  try {
    resolve_ranks(step, 4);
    FAIL() << "8 ranks of 4 were given";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    EXPECT_EQ(
        describe(e),
        "step train asks for 8 ranks, the run has 4. Try: -n 8, or fewer ranks under the step's resources");
  }
}

TEST(Schedule, LongestPathFirstThenPipelineOrder) {
  EXPECT_THAT(assign({ready(0, 1, 1), ready(1, 1, 5), ready(2, 1, 1)}, free_nodes({2}), 0),
              ElementsAre(runs(1, {0}), runs(0, {1})));
}

TEST(Schedule, GroupFillsTheNodeItFits) {
  EXPECT_THAT(ranks_given(4, free_nodes({8, 4, 8})), ElementsAre(8, 9, 10, 11));
  EXPECT_THAT(ranks_given(3, free_nodes({8, 2, 4})), ElementsAre(10, 11, 12));
}

TEST(Schedule, OfNodesWithAsManyFreeRanksTheWholeOneIsFilled) {
  auto world = free_nodes({4, 2});
  world[0].load = world[1].load = 1;
  EXPECT_THAT(ranks_given(2, world), ElementsAre(4, 5));
}

TEST(Schedule, GroupOverNodesTakesWholeOnesFirst) {
  auto world = free_nodes({4, 4, 4});
  world[0].load = 1;
  EXPECT_THAT(ranks_given(8, world), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11));
  EXPECT_THAT(ranks_given(6, world), ElementsAre(1, 2, 4, 5, 6, 7))
      << "the rest comes from the node already in use";
  EXPECT_THAT(ranks_given(11, world), ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}

TEST(Schedule, GroupOverPartlyUsedNodesTakesAsFewAsPossible) {
  auto world = free_nodes({4, 4, 4});
  world[0].load = world[1].load = world[4].load = world[8].load = 1;  // 2, 3 and 3 are free
  EXPECT_THAT(ranks_given(5, world), ElementsAre(2, 3, 5, 6, 7));
}

TEST(Schedule, OneRankComesFromTheNodeWithTheFewestFree) {
  auto world = free_nodes({4, 4});
  world[5].load = 1;
  EXPECT_THAT(ranks_given(1, world), ElementsAre(4));
}

TEST(Schedule, AStepThatDoesNotFitIsOvertaken) {
  auto world = free_nodes({4});
  world[0].load = 1;
  EXPECT_THAT(assign({ready(0, 4, 9), ready(1, 2, 1)}, world, 0), ElementsAre(runs(1, {1, 2})));
}

TEST(Schedule, NothingForNobodyAndNobodyForNothing) {
  EXPECT_THAT(assign({}, free_nodes({2}), 4), IsEmpty());
  auto world = free_nodes({1});
  world[0].load = 1;
  EXPECT_THAT(assign({ready(0, 1)}, world, 4), IsEmpty()) << "a rank with long work takes nothing behind it";
}

TEST(Schedule, QueuesEvenlyUpToTheDepth) {
  const std::vector<RankState> world = {{0, 2, true}, {0, 1, true}, {0, 1, false}};
  std::vector<ReadyStep> steps;
  for (std::size_t i = 0; i < 9; ++i) steps.push_back(ready(i, 1));
  EXPECT_THAT(assign(steps, world, 2), ElementsAre(queued(0, 1), queued(1, 0), queued(2, 1)));
}

TEST(Schedule, QueuesBehindStepsGivenOutInTheSameCall) {
  EXPECT_THAT(assign({ready(0, 1), ready(1, 1), ready(2, 1), ready(3, 1), ready(4, 1)}, free_nodes({2}), 1),
              ElementsAre(runs(0, {0}), runs(1, {1}), queued(2, 0), queued(3, 1)));
}

TEST(Schedule, NothingIsQueuedAheadOfAWaitingStep) {
  const std::vector<RankState> world = {{0, 1, true}, {0, 0, false}};
  EXPECT_THAT(assign({ready(0, 2, 9), ready(1, 1, 1), ready(2, 1, 1)}, world, 8), ElementsAre(runs(1, {1})));
}

TEST(Schedule, StepsThatMayNotQueueWaitForAFreeRank) {
  ReadyStep step = ready(0, 1);
  step.may_queue = false;
  EXPECT_THAT(assign({step}, {{0, 1, true}}, 8), IsEmpty());
  EXPECT_THAT(assign({step, ready(1, 1)}, free_nodes({1}), 8), ElementsAre(runs(0, {0})))
      << "what may not queue is long, so nothing is queued behind it";
}

TEST(Schedule, EqualArgumentsGiveEqualAnswers) {
  const std::vector<ReadyStep> steps = {ready(3, 2), ready(1, 1), ready(2, 3), ready(0, 1)};
  std::vector<ReadyStep> reversed(steps.rbegin(), steps.rend());
  EXPECT_EQ(assign(steps, free_nodes({2, 3, 4}), 2), assign(reversed, free_nodes({2, 3, 4}), 2));
}

}  // namespace
}  // namespace rankflow
