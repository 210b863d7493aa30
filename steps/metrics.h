// How good predictions are: pure functions over a whole dataset's outcomes, in row order and double
// precision.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace rankflow {

/// counts[actual][predicted].
using ConfusionMatrix = std::vector<std::vector<std::int64_t>>;
ConfusionMatrix confusion_matrix(std::span<const std::int32_t> actual,
                                 std::span<const std::int32_t> predicted, std::int64_t classes);

/// Share of rows on the diagonal; and what always naming the largest actual class would give.
double accuracy(const ConfusionMatrix& counts);
double baseline_accuracy(const ConfusionMatrix& counts);

/// 0 where a ratio has nothing to divide by, as scikit-learn's default.
struct ClassScores {
  std::int64_t rows = 0, predicted = 0;  // that are of the class, and that were taken for it
  double precision = 0, recall = 0, f1 = 0;
};
std::vector<ClassScores> class_scores(const ConfusionMatrix& counts);
/// Unweighted mean over the classes that occur, in what is or in what was predicted, as scikit-learn's.
ClassScores macro_average(const std::vector<ClassScores>& scores);

/// Area under the ROC curve, as the Mann-Whitney statistic with midranks for ties (Hanley and McNeil 1982);
/// nullopt where one of the classes has no rows.
std::optional<double> roc_auc(std::span<const double> score, std::span<const std::int32_t> positive);

/// So many points of a curve, chosen evenly; both ends stay.
template <typename Point>
std::vector<Point> thinned(std::vector<Point> curve, std::size_t points) {
  if (points < 2 || curve.size() <= points) return curve;
  std::vector<Point> few;
  for (std::size_t k = 0; k < points; ++k) few.push_back(curve[k * (curve.size() - 1) / (points - 1)]);
  return few;
}

struct RocPoint {
  double threshold, false_positive_rate, true_positive_rate;
};
/// The curve from (0, 0) to (1, 1), one point per distinct score, thinned evenly to `points` of them (both
/// ends stay). Empty where one of the classes has no rows. The first threshold is infinite.
std::vector<RocPoint> roc_curve(std::span<const double> score, std::span<const std::int32_t> positive,
                                std::size_t points);

struct PrecisionRecallPoint {
  double threshold, precision, recall;
};
/// One point per distinct score, from the highest down (recall rises), thinned evenly to `points` of them. Empty where
/// there are no positive rows.
std::vector<PrecisionRecallPoint> precision_recall_curve(std::span<const double> score,
                                                         std::span<const std::int32_t> positive,
                                                         std::size_t points);
/// Sum over the points of (recall - the recall before) · precision, without interpolation, as scikit-learn's
/// average_precision_score; nullopt where there are no positive rows.
std::optional<double> average_precision(std::span<const double> score,
                                        std::span<const std::int32_t> positive);

struct CalibrationBin {
  double low = 0, high = 0;  // probabilities; the last bin includes 1
  std::int64_t rows = 0;
  double mean_probability = 0, observed = 0;  // 0 for empty bins
};
/// Equally wide bins of predicted probability against how often it happened.
std::vector<CalibrationBin> calibration_table(std::span<const double> probability,
                                              std::span<const std::int32_t> happened, std::int64_t bins);
/// Mean over the rows of |mean probability - observed| of their bin (Naeini et al. 2015).
double expected_calibration_error(const std::vector<CalibrationBin>& bins);

double mean(std::span<const double> values);

struct RegressionScores {
  double rmse = 0, mae = 0;
  std::optional<double> r2;  // none where the actual values are all the same
  double baseline_rmse = 0;  // of predicting the mean
};
RegressionScores regression_scores(std::span<const double> actual, std::span<const double> predicted);

}  // namespace rankflow
