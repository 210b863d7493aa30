#include "steps/class_curves.h"

#include <gtest/gtest.h>

#include <algorithm>
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

/// Of one of `classes` classes: the more there are, the fewer scores of each are kept apart.
ClassCurves counted(const Rows& rows, std::int64_t of_class, std::int64_t classes) {
  ClassCurves curves(classes);
  for (std::size_t i = 0; i < rows.is.size(); ++i)
    curves.add(of_class, std::log(rows.score[i]), rows.is[i] != 0);
  return curves;
}

TEST(ClassCurves, AreExactWhileTheScoresAreFew) {
  for (const double apart : {0.0, 0.7, 3.0, 12.0}) {
    const Rows rows = some_rows(20'000, apart);
    ClassCurves curves = counted(rows, 2, 3);
    EXPECT_NEAR(*curves.auc(2), *roc_auc(rows.score, rows.is), 1e-9);
    EXPECT_NEAR(*curves.average_precision(2), *average_precision(rows.score, rows.is), 1e-9);
    EXPECT_EQ(curves.auc(0), std::nullopt);  // no rows
  }
}

TEST(ClassCurves, ComeCloseWithManyRows) {
  for (const double apart : {0.0, 0.7, 3.0, 12.0}) {
    const Rows rows = some_rows(50'000, apart);
    ClassCurves curves = counted(rows, 1000, 1001);
    EXPECT_LE(curves.counts(1000).size(), 2048u);
    EXPECT_NEAR(*curves.auc(1000), *roc_auc(rows.score, rows.is), 1e-3);
    EXPECT_NEAR(*curves.average_precision(1000), *average_precision(rows.score, rows.is), 1e-3);
  }
}

TEST(ClassCurves, TellScoresApartThatLieClose) {
  Rows rows = some_rows(50'000, 1);
  for (double& score : rows.score) score = 0.3 + 1e-6 * score;
  ClassCurves curves = counted(rows, 0, 1001);
  EXPECT_NEAR(*curves.auc(0), *roc_auc(rows.score, rows.is), 1e-3);
  EXPECT_NEAR(*curves.average_precision(0), *average_precision(rows.score, rows.is), 1e-3);
}

TEST(ClassCurves, RunFromNoRowToAllRows) {
  ClassCurves curves = counted(some_rows(1000, 1), 0, 3);
  const auto roc = curves.roc(0);
  EXPECT_EQ(roc.front().true_positive_rate, 0);
  EXPECT_EQ(roc.back().true_positive_rate, 1);
  EXPECT_EQ(roc.back().false_positive_rate, 1);
  EXPECT_LE(roc.size(), 1001u);
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

/// Every third row to each of three, whose counts come together as those of ranks do.
TEST(ClassCurves, OfSeveralRanksAreThoseOfOne) {
  for (const std::int64_t classes : {3, 1001}) {
    const Rows rows = some_rows(30'000, 1);
    std::vector<ClassCurves> parts;
    std::vector<std::int32_t> coarseness(static_cast<std::size_t>(classes));
    for (std::size_t first = 0; first < 3; ++first) {
      Rows part;
      for (std::size_t i = first; i < rows.is.size(); i += 3) {
        part.score.push_back(rows.score[i]);
        part.is.push_back(rows.is[i]);
      }
      parts.push_back(counted(part, 0, classes));
      const auto theirs = parts.back().coarseness();
      for (std::size_t c = 0; c < theirs.size(); ++c) coarseness[c] = std::max(coarseness[c], theirs[c]);
    }
    std::vector<ScoreCount> all;
    for (ClassCurves& part : parts) {
      part.coarsen_to(coarseness);
      all.insert(all.end(), part.counts(0).begin(), part.counts(0).end());
    }
    parts[0].set_counts(0, all);
    ClassCurves whole = counted(rows, 0, classes);
    EXPECT_EQ(*parts[0].auc(0), *whole.auc(0));
    EXPECT_EQ(parts[0].roc(0).size(), whole.roc(0).size());
    EXPECT_EQ(parts[0].coarseness(), whole.coarseness());
  }
}

}  // namespace
}  // namespace rankflow
