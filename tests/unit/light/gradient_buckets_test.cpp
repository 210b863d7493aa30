#include "collectives/gradient_buckets.h"

#include <gtest/gtest.h>

namespace rankflow {
namespace {

/// Pieces of these sizes that lie in memory from back to front, as backward makes them final.
std::vector<GradientPiece> backwards(const std::vector<std::int64_t>& sizes) {
  std::int64_t end = 0;
  for (auto s : sizes) end += s;
  std::vector<GradientPiece> pieces;
  for (auto s : sizes) {
    pieces.push_back({{end - s, end}});
    end -= s;
  }
  return pieces;
}

std::vector<std::size_t> pieces_per_bucket(const std::vector<GradientBucket>& buckets) {
  std::vector<std::size_t> counts;
  for (const auto& b : buckets) counts.push_back(b.pieces);
  return counts;
}

using Counts = std::vector<std::size_t>;

TEST(GradientBuckets, NothingMakesNoBucket) {
  EXPECT_TRUE(assign_buckets({}, 10, 100).empty());
}

TEST(GradientBuckets, CloseWhenTheyHoldEnough) {
  const auto pieces = backwards({4, 4, 4, 60, 60, 5, 200, 1});
  const auto buckets = assign_buckets(pieces, 10, 100);
  EXPECT_EQ(pieces_per_bucket(buckets), (Counts{3, 2, 2, 1}));
  EXPECT_EQ(buckets[0], (GradientBucket{{326, 338}, 0, 3, false}));
  EXPECT_EQ(buckets[1], (GradientBucket{{206, 326}, 3, 2, false}));
  EXPECT_EQ(buckets[3], (GradientBucket{{0, 1}, 7, 1, false}));
}

TEST(GradientBuckets, CoverEveryElementOnce) {
  const auto pieces = backwards({3, 0, 17, 9, 1000, 1, 1, 64, 0});
  for (std::int64_t size : {1, 10, 100, 100'000}) {
    std::int64_t end = 1095;
    std::size_t piece = 0;
    for (const auto& b : assign_buckets(pieces, 5, size)) {
      EXPECT_EQ(b.elements.end, end);
      EXPECT_EQ(b.first_piece, piece);
      end = b.elements.begin;
      piece += b.pieces;
    }
    EXPECT_EQ(end, 0);
    EXPECT_EQ(piece, pieces.size());
  }
}

TEST(GradientBuckets, JoinOnlyNeighboursInMemory) {
  const std::vector<GradientPiece> pieces = {{{10, 20}}, {{5, 10}}, {{20, 25}}, {{0, 4}}, {{30, 31}}};
  const auto buckets = assign_buckets(pieces, 100, 100);
  EXPECT_EQ(pieces_per_bucket(buckets), (Counts{3, 1, 1}));
  EXPECT_EQ(buckets[0].elements, (Range{5, 25}));
}

TEST(GradientBuckets, KeepFullPrecisionApart) {
  std::vector<GradientPiece> pieces = backwards({8, 8, 4});
  pieces[2].full_precision = true;
  const auto buckets = assign_buckets(pieces, 100, 100);
  EXPECT_EQ(pieces_per_bucket(buckets), (Counts{2, 1}));
  EXPECT_FALSE(buckets[0].full_precision);
  EXPECT_TRUE(buckets[1].full_precision);
}

}  // namespace
}  // namespace rankflow
