#include "steps/hand_out.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/error.h"

namespace rankflow {
namespace {

TEST(HandOut, RunsCoverAllUnitsOnceAndGetShorter) {
  for (const std::int64_t count : {0, 1, 5, 100, 6000}) {
    for (const int ranks : {1, 2, 7}) {
      const HandOut out(count, ranks);
      std::int64_t next = 0, before = count;
      for (std::int64_t r = 0; r < out.runs(); ++r) {
        const Range run = out.run(r);
        EXPECT_EQ(run.begin, next);
        EXPECT_GE(run.size(), 1);
        EXPECT_LE(run.size(), before);
        next = run.end, before = run.size();
      }
      EXPECT_EQ(next, count);
      EXPECT_EQ(out.run(out.runs()).size(), 0);
      EXPECT_EQ(out.run(std::int64_t{1} << 62).size(), 0);
    }
  }
}

/// Time until all units are done, where rank r needs `seconds[r]` for one.
double simulated(const HandOut& out, const std::vector<double>& seconds) {
  std::vector<double> busy_until(seconds.size());
  for (std::int64_t r = 0; r < out.runs(); ++r) {
    const auto next = std::min_element(busy_until.begin(), busy_until.end()) - busy_until.begin();
    const auto rank = static_cast<std::size_t>(next);
    busy_until[rank] += seconds[rank] * static_cast<double>(out.run(r).size());
  }
  return *std::max_element(busy_until.begin(), busy_until.end());
}

TEST(HandOut, ASlowRankCostsLittleMoreThanItsSpeed) {
  for (const int ranks : {2, 4, 7}) {
    std::vector<double> seconds(static_cast<std::size_t>(ranks), 1.0);
    seconds.back() = 4;
    const double ideal = 6000 / (ranks - 1 + 0.25);
    EXPECT_LT(simulated(HandOut(6000, ranks), seconds), 1.02 * ideal) << ranks;
  }
}

TEST(LeftOver, GivesWhatNobodyHasDone) {
  EXPECT_EQ(left_over(6, {}), (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(left_over(6, {{4, 5}, {1, 3}}), (std::vector<std::int64_t>{0, 3, 5}));
  EXPECT_TRUE(left_over(6, {{0, 6}}).empty());
  EXPECT_THROW(left_over(6, {{0, 3}, {2, 4}}), Error);
  EXPECT_THROW(left_over(6, {{5, 7}}), Error);
}

}  // namespace
}  // namespace rankflow
