#include "steps/column_quantiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace rankflow {
namespace {

TEST(ColumnQuantiles, FewValuesAreExact) {
  const auto alone = make_self_communicator();
  ColumnQuantiles quantiles;
  quantiles.add({3, 1, std::numeric_limits<double>::quiet_NaN(), 1, 2}, 16);
  quantiles.add({4, 4, 4, 4}, 16);
  quantiles.finish(*alone);
  EXPECT_EQ(quantiles.at(0), 1);
  EXPECT_EQ(quantiles.at(0.25), 1);
  EXPECT_EQ(quantiles.at(0.5), 3);
  EXPECT_EQ(quantiles.at(1), 4);
}

TEST(ColumnQuantiles, AreInterpolatedAsNumpyDoes) {
  const auto alone = make_self_communicator();
  ColumnQuantiles quantiles;
  quantiles.add({400, 2}, 16);
  quantiles.add({1.5, 30}, 16);
  quantiles.finish(*alone);
  EXPECT_EQ(quantiles.interpolated(0.5), 16);  // numpy.quantile([1.5, 2, 30, 400], 0.5)
  EXPECT_DOUBLE_EQ(quantiles.interpolated(0.1), 1.65);
  EXPECT_DOUBLE_EQ(quantiles.interpolated(0.9), 289);
  EXPECT_EQ(quantiles.interpolated(0), 1.5);
  EXPECT_EQ(quantiles.interpolated(1), 400);
}

TEST(ColumnQuantiles, TablesOfAFewThousandRowsAreExact) {
  const auto alone = make_self_communicator();
  ColumnQuantiles quantiles;
  std::vector<double> values;
  for (int i = 0; i < 16'000; ++i) values.push_back(i * 7919 % 16'000);
  quantiles.add(std::move(values), ColumnQuantiles::points_for(1));
  quantiles.finish(*alone);
  EXPECT_EQ(quantiles.interpolated(0.5), 7999.5);
}

TEST(ColumnQuantiles, ManyValuesAreCloseEnough) {
  const auto alone = make_self_communicator();
  ColumnQuantiles quantiles;
  constexpr int pieces = 20, rows = 50'000;
  for (int p = 0; p < pieces; ++p) {
    std::vector<double> values;
    for (int i = 0; i < rows; ++i) values.push_back(std::pow((i * 7919LL % rows) * pieces + p, 2));
    quantiles.add(std::move(values), ColumnQuantiles::points_for(pieces));
  }
  quantiles.finish(*alone);
  for (const double q : {0.001, 0.1, 0.5, 0.77, 0.999})
    EXPECT_NEAR(std::sqrt(quantiles.at(q)) / (pieces * rows), q, 0.0005) << q;
}

}  // namespace
}  // namespace rankflow
