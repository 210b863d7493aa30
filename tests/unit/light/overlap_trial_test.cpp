#include "collectives/overlap_trial.h"

#include <gtest/gtest.h>

namespace rankflow {
namespace {

TEST(OverlapTrial, TakesBothWaysByTurns) {
  OverlapTrial trial;
  EXPECT_FALSE(trial.threaded());
  trial.add(1);
  EXPECT_TRUE(trial.threaded());
  trial.add(1);
  EXPECT_FALSE(trial.threaded());
}

TEST(OverlapTrial, EndsAfterTheSamePassesEverywhere) {
  OverlapTrial trial;
  int passes = 1;
  while (!trial.add(1)) ++passes;
  EXPECT_EQ(passes, OverlapTrial::warm_up + 2 * OverlapTrial::passes_each);
}

TEST(OverlapTrial, LeavesOutWarmUp) {
  OverlapTrial trial;
  for (int pass = 0; !trial.add(pass < OverlapTrial::warm_up ? 1000 : trial.threaded() ? 3 : 4); ++pass) {
  }
  EXPECT_EQ(trial.medians(), (std::array<double, 2>{4, 3}));
}

TEST(OverlapTrial, TheThreadHasToBeWorthItsCore) {
  EXPECT_TRUE(OverlapTrial::pays({1.0, 0.97}));
  EXPECT_FALSE(OverlapTrial::pays({1.0, 0.99}));
  EXPECT_FALSE(OverlapTrial::pays({1.0, 1.5}));
}

TEST(OverlapTrial, ADisturbedPassDecidesNothing) {
  OverlapTrial trial;
  for (int pass = 0; !trial.add(pass == OverlapTrial::warm_up + 3 ? 1000
                                : trial.threaded()                ? 3
                                                                  : 4);
       ++pass) {
  }
  EXPECT_EQ(trial.medians(), (std::array<double, 2>{4, 3}));
}

}  // namespace
}  // namespace rankflow
