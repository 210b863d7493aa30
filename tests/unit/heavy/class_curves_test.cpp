#include "steps/class_curves.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace rankflow {
namespace {

struct Rows {
  std::vector<double> score;
  std::vector<std::int32_t> is;
};

Rows some_rows(std::size_t count, double apart) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> noise(0, 1);
  Rows rows;
  for (std::size_t i = 0; i < count; ++i) {
    rows.is.push_back(i % 4 == 0);
    rows.score.push_back(1 / (1 + std::exp(-(apart * rows.is.back() - 1 + noise(random)))));
  }
  return rows;
}

ClassCurves counted(const Rows& rows, std::int64_t of_class) {
  ClassCurves curves(of_class + 1);
  for (std::size_t i = 0; i < rows.is.size(); ++i)
    curves.add(of_class, std::log(rows.score[i]), rows.is[i] != 0);
  return curves;
}

TEST(ClassCurves, ComeCloseToTheExactOnes) {
  for (const double apart : {0.0, 0.7, 3.0, 12.0}) {
    const Rows rows = some_rows(20'000, apart);
    const ClassCurves curves = counted(rows, 2);
    EXPECT_NEAR(*curves.auc(2), *roc_auc(rows.score, rows.is), 1e-3);
    EXPECT_NEAR(*curves.average_precision(2), *average_precision(rows.score, rows.is), 5e-3);
    EXPECT_EQ(curves.auc(0), std::nullopt);  // no rows
  }
}

TEST(ClassCurves, RunFromNoRowToAllRows) {
  const ClassCurves curves = counted(some_rows(1000, 1), 0);
  const auto roc = curves.roc(0);
  EXPECT_EQ(roc.front().true_positive_rate, 0);
  EXPECT_EQ(roc.back().true_positive_rate, 1);
  EXPECT_EQ(roc.back().false_positive_rate, 1);
  EXPECT_LE(roc.size(), 1002u);
  for (std::size_t i = 1; i < roc.size(); ++i) EXPECT_LT(roc[i].threshold, roc[i - 1].threshold);
  EXPECT_EQ(curves.precision_recall(0).back().recall, 1);
}

TEST(ClassCurves, TakeCertainty) {
  ClassCurves curves(1);
  curves.add(0, 0.0, true);                  // probability 1
  curves.add(0, -INFINITY, false);           // probability 0
  curves.add(0, std::log1p(-1e-300), true);  // as good as 1
  EXPECT_EQ(*curves.auc(0), 1);
}

TEST(ClassCurves, OfSeveralRanksAddUp) {
  const Rows rows = some_rows(1000, 1);
  const auto part = [&](std::size_t first) {
    Rows half;
    for (std::size_t i = first; i < rows.is.size(); i += 2) {
      half.score.push_back(rows.score[i]);
      half.is.push_back(rows.is[i]);
    }
    return counted(half, 0);
  };
  ClassCurves sum = part(0), other = part(1);
  for (std::size_t i = 0; i < sum.counts().size(); ++i) sum.counts()[i] += other.counts()[i];
  EXPECT_EQ(*sum.auc(0), *counted(rows, 0).auc(0));
}

}  // namespace
}  // namespace rankflow
