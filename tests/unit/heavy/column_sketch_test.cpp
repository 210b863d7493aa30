#include "steps/column_sketch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "base/text.h"

namespace rankflow {
namespace {

/// The sketch of values whose blocks, of 100 each, are shared out over `ranks`.
template <typename Value>
ColumnSketch sketched(const std::vector<Value>& values, int ranks) {
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

/// How many of the values lie between each two edges.
std::vector<std::int64_t> counted(const std::vector<double>& values, const std::vector<double>& edges) {
  std::vector<std::int64_t> counts(edges.size() - 1, 0);
  for (const double value : values) {
    const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, value);
    ++counts[static_cast<std::size_t>(above - edges.begin() - 1)];
  }
  return counts;
}

TEST(ColumnSketch, ASpreadThatIsSmallAgainstTheValuesIsSeen) {
  std::mt19937 random(3);
  std::vector<double> times, places;  // seconds of a day; a street in degrees
  for (int i = 0; i < 30'000; ++i) {
    times.push_back(1.7e9 + static_cast<double>(random() % 86'400) * (i % 3 ? 1 : 0.5));
    places.push_back(52.52 + 1e-7 * static_cast<double>(random() % 10'000));
  }
  for (std::vector<double> values : {times, places}) {
    const ColumnSketch sketch = sketched(values, 1);
    const Json s = sketch.summary(20, 20);
    for (const int ranks : {2, 3, 7})
      EXPECT_EQ(sketched(values, ranks).summary(20, 20).dump(), s.dump()) << ranks;
    const Json& histogram = s.at("histogram");
    const auto exact = counted(values, histogram.at("edges"));
    for (std::size_t i = 0; i < exact.size(); ++i)
      EXPECT_NEAR(histogram.at("counts")[i].get<double>(), static_cast<double>(exact[i]), 30) << i;
    std::sort(values.begin(), values.end());
    const double range = values.back() - values.front();
    for (const auto& [q, value] : s.at("quantiles").items()) {
      const double right = values[static_cast<std::size_t>(std::stod(q) * 29'999)];
      EXPECT_NEAR(value.get<double>(), right, range / 1000) << q;
    }
  }
}

TEST(ColumnSketch, FewDistinctValuesAreExactWhateverTheirSize) {
  std::vector<double> values;
  for (int i = 0; i < 4000; ++i) values.push_back(1.7e9 + i);
  const Json s = sketched(values, 3).summary(1000, 2);
  EXPECT_EQ(s.at("quantiles").at("0.5"), 1.7e9 + 1999);
  EXPECT_EQ(s.at("histogram").at("counts"), Json(counted(values, s.at("histogram").at("edges"))));
  EXPECT_EQ(s.at("top").at(1).at("value"), 1.7e9 + 1);
}

TEST(ColumnSketch, IntegersBeyondDoublesStayDistinct) {
  std::vector<std::int64_t> values = {5, INT64_MIN};
  for (int i = 0; i < 1000; ++i) values.push_back(1'752'000'000'000'000'000 + i % 500);
  const Json s = sketched(values, 3).summary(20, 2);
  EXPECT_EQ(s.at("count"), 1002);
  EXPECT_EQ(s.at("distinct"), 502);
  EXPECT_TRUE(s.at("distinct_exact").get<bool>());
  EXPECT_EQ(s.at("min"), INT64_MIN);
  EXPECT_EQ(s.at("max"), 1'752'000'000'000'000'499);
  EXPECT_EQ(s.at("top"), Json::parse(R"([{"value":1752000000000000000,"count":2},
                                         {"value":1752000000000000001,"count":2}])"));
  EXPECT_EQ(s.dump(), sketched(values, 1).summary(20, 2).dump());
}

TEST(ColumnSketch, NumbersOfAnyMagnitudeAreMeasured) {
  const double greatest = std::numeric_limits<double>::max(),
               least = std::numeric_limits<double>::denorm_min();
  for (const double unit : {1e308, 1e200, 1.0, 1e-200, 1e-310}) {
    const Json s = sketched<double>({-unit, unit, unit, -unit}, 1).summary(20, 20);
    EXPECT_NEAR(s.at("std").get<double>() / unit, 1, 1e-9) << unit;
    EXPECT_EQ(s.at("mean"), 0) << unit;
    const auto edges = s.at("histogram").at("edges").get<std::vector<double>>();
    EXPECT_EQ(edges.size(), 21u) << unit;
    EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
    EXPECT_EQ(s.at("histogram").at("counts").front(), 2);
    EXPECT_EQ(s.at("histogram").at("counts").back(), 2);
  }
  const Json all = sketched<double>({-greatest, 1, least, 0, greatest}, 1).summary(20, 20);
  EXPECT_NEAR(all.at("std").get<double>() / greatest, std::sqrt(0.4), 1e-9);
  const Json tiny = sketched<double>({0, least, 3 * least}, 1).summary(20, 20);
  EXPECT_EQ(tiny.at("histogram").at("edges"), Json({0.0, least, 2 * least, 3 * least}));
  EXPECT_EQ(tiny.at("histogram").at("counts"), Json({1, 1, 1}));
  // A block of huge numbers after one of plain ones.
  std::vector<double> mixed(100, 1.0);
  mixed.resize(200, 1e200);
  EXPECT_NEAR(sketched(mixed, 2).summary(20, 20).at("std").get<double>() / 5e199, 1, 1e-9);
}

TEST(ColumnSketch, OddValuesAreCountedApart) {
  const double infinity = std::numeric_limits<double>::infinity();
  const Json s = sketched<double>({-0.0, 0.0, infinity, -infinity, std::nan(""), 5}, 1).summary(20, 20);
  EXPECT_EQ(s.at("missing"), 1);
  EXPECT_EQ(s.at("infinite"), 2);
  EXPECT_EQ(s.at("zeros"), 2);
  EXPECT_EQ(s.at("distinct"), 4);
  EXPECT_EQ(s.at("max"), 5);
  EXPECT_EQ(s.at("mean").get<double>(), 5.0 / 3);
  const Json none = sketched<double>({std::nan(""), std::nan("")}, 1).summary(20, 20);
  EXPECT_EQ(none.at("missing"), 2);
  EXPECT_FALSE(none.contains("mean"));
  const Json constant = sketched<double>({7, 7, 7}, 1).summary(20, 20);
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
