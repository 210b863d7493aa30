#include "steps/metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace rankflow {
namespace {

TEST(ConfusionMatrix, CountsActualInRowsAndPredictedInColumns) {
  const std::vector<std::int32_t> actual = {0, 0, 1, 2, 2, 2}, predicted = {0, 1, 1, 2, 0, 2};
  const auto counts = confusion_matrix(actual, predicted, 3);
  EXPECT_EQ(counts, (ConfusionMatrix{{1, 1, 0}, {0, 1, 0}, {1, 0, 2}}));
  EXPECT_DOUBLE_EQ(accuracy(counts), 4.0 / 6);
  EXPECT_DOUBLE_EQ(baseline_accuracy(counts), 3.0 / 6);
}

TEST(ClassScores, AreTheTextbookRatios) {
  // Of class 1: 40 true positives, 10 false positives, 20 false negatives.
  const auto scores = class_scores({{30, 10}, {20, 40}});
  EXPECT_DOUBLE_EQ(scores[1].precision, 0.8);
  EXPECT_DOUBLE_EQ(scores[1].recall, 40.0 / 60);
  EXPECT_DOUBLE_EQ(scores[1].f1, 2 * 0.8 * (2.0 / 3) / (0.8 + 2.0 / 3));
  EXPECT_EQ(scores[1].rows, 60);
  EXPECT_DOUBLE_EQ(scores[0].precision, 0.6);
  EXPECT_DOUBLE_EQ(macro_average(scores).precision, 0.7);
}

TEST(ClassScores, AreZeroWhereNothingWasPredicted) {
  const auto scores = class_scores({{5, 0}, {3, 0}});
  EXPECT_EQ(scores[1].precision, 0);
  EXPECT_EQ(scores[1].recall, 0);
  EXPECT_EQ(scores[1].f1, 0);
}

TEST(RocAuc, IsTheShareOfRightlyOrderedPairs) {
  const std::vector<double> score = {0.1, 0.4, 0.35, 0.8};
  const std::vector<std::int32_t> positive = {0, 0, 1, 1};
  EXPECT_DOUBLE_EQ(*roc_auc(score, positive), 0.75);  // scikit-learn's documented example
}

TEST(RocAuc, CountsTiesAsHalf) {
  const std::vector<double> score = {0.5, 0.5, 0.5, 0.9, 0.1};
  const std::vector<std::int32_t> positive = {1, 0, 0, 1, 0};
  // Pairs (positive, negative): 0.5 beats 0.1, ties twice; 0.9 beats all three.
  EXPECT_DOUBLE_EQ(*roc_auc(score, positive), (1 + 0.5 + 0.5 + 3) / 6.0);
}

TEST(RocAuc, NeedsBothClasses) {
  const std::vector<double> score = {0.1, 0.2};
  EXPECT_FALSE(roc_auc(score, std::vector<std::int32_t>{1, 1}));
  EXPECT_FALSE(roc_auc(score, std::vector<std::int32_t>{0, 0}));
}

TEST(RocCurve, GoesFromNothingToEverythingWithAPointPerScore) {
  const std::vector<double> score = {0.1, 0.4, 0.35, 0.8, 0.4};
  const std::vector<std::int32_t> positive = {0, 0, 1, 1, 1};
  const auto curve = roc_curve(score, positive, 100);
  ASSERT_EQ(curve.size(), 5u);  // four scores and the start
  EXPECT_TRUE(std::isinf(curve[0].threshold));
  EXPECT_DOUBLE_EQ(curve[1].threshold, 0.8);
  EXPECT_DOUBLE_EQ(curve[2].true_positive_rate, 2.0 / 3);
  EXPECT_DOUBLE_EQ(curve[2].false_positive_rate, 0.5);
  EXPECT_DOUBLE_EQ(curve.back().true_positive_rate, 1);
  EXPECT_DOUBLE_EQ(curve.back().false_positive_rate, 1);
  // The trapezoids below it are the area that midranks give.
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  }
  EXPECT_DOUBLE_EQ(area, *roc_auc(score, positive));
}

TEST(RocCurve, IsThinnedButKeepsItsEnds) {
  std::vector<double> score;
  std::vector<std::int32_t> positive;
  for (int i = 0; i < 1000; ++i) score.push_back(i / 1000.0), positive.push_back(i % 3 == 0);
  const auto curve = roc_curve(score, positive, 11);
  ASSERT_EQ(curve.size(), 11u);
  EXPECT_EQ(curve.front().true_positive_rate, 0);
  EXPECT_EQ(curve.back().true_positive_rate, 1);
  EXPECT_EQ(curve.back().false_positive_rate, 1);
}

TEST(Calibration, ComparesMeanProbabilityWithWhatHappened) {
  const std::vector<double> probability = {0.1, 0.2, 0.9, 1.0};
  const std::vector<std::int32_t> happened = {0, 1, 1, 1};
  const auto bins = calibration_table(probability, happened, 2);
  EXPECT_EQ(bins[0].rows, 2);
  EXPECT_DOUBLE_EQ(bins[0].mean_probability, 0.15);
  EXPECT_DOUBLE_EQ(bins[0].observed, 0.5);
  EXPECT_EQ(bins[1].rows, 2);
  EXPECT_DOUBLE_EQ(bins[1].mean_probability, 0.95);
  EXPECT_DOUBLE_EQ(bins[1].observed, 1);
  EXPECT_DOUBLE_EQ(expected_calibration_error(bins), (2 * 0.35 + 2 * 0.05) / 4);
}

TEST(RegressionScores, AreTheTextbookFormulae) {
  const std::vector<double> actual = {3, -0.5, 2, 7}, predicted = {2.5, 0.0, 2, 8};  // scikit-learn's example
  const auto scores = regression_scores(actual, predicted);
  EXPECT_DOUBLE_EQ(scores.rmse, std::sqrt(0.375));
  EXPECT_DOUBLE_EQ(scores.mae, 0.5);
  EXPECT_NEAR(*scores.r2, 0.9486081370449679, 1e-15);
  EXPECT_FALSE(regression_scores(std::vector<double>{1, 1}, std::vector<double>{0, 2}).r2);
}

}  // namespace
}  // namespace rankflow
