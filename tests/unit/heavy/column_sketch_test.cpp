#include "steps/column_sketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/text.h"

namespace rankflow {
namespace {

/// The sketch of values whose blocks, of 100 each, are shared out over `ranks`.
ColumnSketch sketched(const std::vector<double>& values, int ranks) {
  constexpr std::size_t block = 100;
  const std::size_t blocks = (values.size() + block - 1) / block;
  ColumnSketch all;
  for (int rank = 0; rank < ranks; ++rank) {
    ColumnSketch mine;
    const Range range = partition(static_cast<std::int64_t>(blocks), ranks, rank);
    for (auto b = static_cast<std::size_t>(range.begin); b < static_cast<std::size_t>(range.end); ++b) {
      for (std::size_t i = b * block; i < std::min(values.size(), (b + 1) * block); ++i) mine.add(values[i]);
      mine.end_block();
    }
    all.merge(ColumnSketch::from_state(Json::from_cbor(Json::to_cbor(mine.state()))));
  }
  return all;
}

TEST(ColumnSketch, SmallIntegersAreExact) {
  std::vector<double> values;
  for (int i = -1000; i <= 1000; ++i) values.push_back(i);
  const Json s = sketched(values, 1).summary(20, 5);
  EXPECT_EQ(s.at("count"), 2001);
  EXPECT_EQ(s.at("min"), -1000);
  EXPECT_EQ(s.at("max"), 1000);
  EXPECT_EQ(s.at("distinct"), 2001);
  EXPECT_TRUE(s.at("distinct_exact").get<bool>());
  EXPECT_EQ(s.at("negative"), 1000);
  EXPECT_EQ(s.at("zeros"), 1);
  EXPECT_EQ(s.at("quantiles").at("0.5"), 0);
  EXPECT_EQ(s.at("quantiles").at("0.25"), -500);
  EXPECT_EQ(s.at("quantiles").at("0.95"), 900);
  EXPECT_NEAR(s.at("std").get<double>(), std::sqrt((2001.0 * 2001 - 1) / 12), 1e-9);
}

TEST(ColumnSketch, HasTheSameBytesForAnyNumberOfRanks) {
  std::mt19937 random(1);
  std::lognormal_distribution<double> draw(0, 3);
  std::vector<double> values;
  for (int i = 0; i < 20'000; ++i) values.push_back(i % 50 == 0 ? std::nan("") : draw(random));
  const std::string one = sketched(values, 1).summary(20, 20).dump();
  for (const int ranks : {2, 3, 7}) EXPECT_EQ(sketched(values, ranks).summary(20, 20).dump(), one) << ranks;
}

TEST(ColumnSketch, QuantilesAndDistinctValuesAreNear) {
  std::mt19937 random(2);
  std::normal_distribution<double> draw(5, 100);
  std::vector<double> values;
  for (int i = 0; i < 50'000; ++i) values.push_back(draw(random));
  const Json s = sketched(values, 3).summary(20, 20);
  std::sort(values.begin(), values.end());
  for (const auto& [q, value] : s.at("quantiles").items()) {
    const double exact = values[static_cast<std::size_t>(std::stod(q) * 49'999)];
    EXPECT_NEAR(value.get<double>(), exact, 1e-3 * std::abs(exact) + 0.05) << q;
  }
  EXPECT_FALSE(s.at("distinct_exact").get<bool>());
  EXPECT_NEAR(s.at("distinct").get<double>(), 50'000, 5'000);
  EXPECT_FALSE(s.contains("top")) << "the most frequent values are not known";
  std::int64_t counted = 0;
  for (const Json& n : s.at("histogram").at("counts")) counted += n.get<std::int64_t>();
  EXPECT_EQ(counted, 50'000);
}

TEST(ColumnSketch, OddValuesAreCountedApart) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Json s = sketched({-0.0, 0.0, infinity, -infinity, std::nan(""), 5}, 1).summary(20, 20);
  EXPECT_EQ(s.at("missing"), 1);
  EXPECT_EQ(s.at("infinite"), 2);
  EXPECT_EQ(s.at("zeros"), 2);
  EXPECT_EQ(s.at("distinct"), 4);
  EXPECT_EQ(s.at("max"), 5);
  EXPECT_EQ(s.at("mean").get<double>(), 5.0 / 3);
  const Json none = sketched({std::nan(""), std::nan("")}, 1).summary(20, 20);
  EXPECT_EQ(none.at("missing"), 2);
  EXPECT_FALSE(none.contains("mean"));
  const Json constant = sketched({7, 7, 7}, 1).summary(20, 20);
  EXPECT_EQ(constant.at("histogram").at("counts"), Json::array({3}));
  EXPECT_EQ(constant.at("quantiles").at("0.01"), 7);
}

TEST(ColumnSketch, TextsAreCountedUpToALimit) {
  ColumnSketch few, many;
  few.add("b", 2);
  few.add("a", 2);
  few.add("", 5);
  few.add_missing(3);
  const Json s = few.summary(20, 2);
  EXPECT_EQ(s.at("count"), 12);
  EXPECT_EQ(s.at("top"), Json::parse(R"([{"value":"","count":5},{"value":"a","count":2}])"));
  for (int i = 0; i < 20'000; ++i) many.add(str("value ", i));
  const Json m = many.summary(20, 2);
  EXPECT_NEAR(m.at("distinct").get<double>(), 20'000, 2'000);
  EXPECT_FALSE(m.contains("top"));
  EXPECT_EQ(m.at("longest"), 11);
}

}  // namespace
}  // namespace rankflow
