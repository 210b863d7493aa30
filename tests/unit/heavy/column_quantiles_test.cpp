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
