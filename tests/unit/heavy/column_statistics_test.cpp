#include "steps/column_statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankflow {
namespace {

TEST(ColumnStatistics, MergedBlocksEqualOnePass) {
  Moments whole, left, right;
  for (int i = 0; i < 1000; ++i) {
    const double value = 1e6 + std::sin(i) * (i % 7);
    whole.add(value);
    (i < 300 ? left : right).add(value);
  }
  const Moments merged = merge(left, right);
  EXPECT_EQ(merged.count, 1000);
  EXPECT_NEAR(merged.mean, whole.mean, 1e-9);
  EXPECT_NEAR(merged.standard_deviation(), whole.standard_deviation(), 1e-9);
  EXPECT_EQ(merged.minimum, whole.minimum);
  EXPECT_EQ(merged.maximum, whole.maximum);
}

TEST(ColumnStatistics, AnEmptyBlockChangesNothing) {
  Moments some;
  some.add(3);
  some.add(5);
  for (const Moments& m : {merge(some, {}), merge({}, some)}) {
    EXPECT_EQ(m.count, 2);
    EXPECT_EQ(m.mean, 4);
    EXPECT_EQ(m.standard_deviation(), 1);
  }
}

TEST(ColumnStatistics, TheLastBlockIsShorter) {
  EXPECT_EQ(block_rows(0, statistics_block + 1).size(), statistics_block);
  EXPECT_EQ(block_rows(1, statistics_block + 1).size(), 1);
}

}  // namespace
}  // namespace rankflow
