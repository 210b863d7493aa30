#include "steps/row_split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace rankflow {
namespace {

std::vector<std::int64_t> first_rows(std::int64_t n) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

TEST(RowSplit, EveryRowIsInOneSplitOfAboutTheRightSize) {
  const auto splits =
      split_rows(first_rows(100'000), {{"train", 0.8}, {"validation", 0.1}, {"test", 0.1}}, 7);
  std::vector<std::int64_t> all;
  for (const auto& [name, rows] : splits) {
    EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, first_rows(100'000));
  // Five standard deviations of a binomial count.
  EXPECT_NEAR(splits.at("train").size(), 80'000, 5 * 127);
  EXPECT_NEAR(splits.at("test").size(), 10'000, 5 * 95);
}

TEST(RowSplit, ARowsSplitDoesNotDependOnTheOtherRows) {
  const SplitFractions fractions{{"train", 0.5}, {"test", 0.5}};
  const auto all = split_rows(first_rows(1000), fractions, 1).at("train");
  const auto few = split_rows({3, 500, 777}, fractions, 1).at("train");
  for (std::int64_t row : {3, 500, 777}) {
    EXPECT_EQ(std::count(all.begin(), all.end(), row), std::count(few.begin(), few.end(), row));
  }
}

TEST(RowSplit, SeedsAndNeighbouringRowsDiffer) {
  const SplitFractions fractions{{"train", 0.5}, {"test", 0.5}};
  EXPECT_NE(split_rows(first_rows(100), fractions, 1), split_rows(first_rows(100), fractions, 2));
  // Fixed for ever: another value would be another split for the same pipeline.
  EXPECT_EQ(split_position(0, 0), split_position(0, 0));
  EXPECT_NE(split_position(0, 1), split_position(1, 0));
}

TEST(RowSplit, AnEmptyFractionGetsNoRow) {
  EXPECT_TRUE(split_rows(first_rows(1000), {{"train", 1.0}, {"test", 0.0}}, 1).at("test").empty());
}

}  // namespace
}  // namespace rankflow
