#include "steps/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace rankflow {
namespace {

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

std::int64_t total(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::vector<std::size_t> sorted_indices(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  return order;
}

/// How many rows of each kind have a score of at least `threshold`.
struct Caught {
  double threshold, hits, alarms;
};

/// One for each distinct score, from the highest down.
std::vector<Caught> caught_by_threshold(std::span<const double> score,
                                        std::span<const std::int32_t> positive) {
  const auto order = sorted_indices(score);
  std::vector<Caught> all;
  double hits = 0, alarms = 0;
  for (std::size_t i = order.size(); i > 0; --i) {
    const std::size_t row = order[i - 1];
    (positive[row] != 0 ? hits : alarms) += 1;
    if (i > 1 && score[order[i - 2]] == score[row]) continue;
    all.push_back({score[row], hits, alarms});
  }
  return all;
}

}  // namespace

ConfusionMatrix confusion_matrix(std::span<const std::int32_t> actual,
                                 std::span<const std::int32_t> predicted, std::int64_t classes) {
  ConfusionMatrix counts(static_cast<std::size_t>(classes),
                         std::vector<std::int64_t>(static_cast<std::size_t>(classes)));
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ++counts.at(static_cast<std::size_t>(actual[i])).at(static_cast<std::size_t>(predicted[i]));
  }
  return counts;
}

double accuracy(const ConfusionMatrix& counts) {
  std::int64_t right = 0, all = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) right += counts[c][c], all += total(counts[c]);
  return ratio(static_cast<double>(right), static_cast<double>(all));
}

double baseline_accuracy(const ConfusionMatrix& counts) {
  std::int64_t largest = 0, all = 0;
  for (const auto& row : counts) largest = std::max(largest, total(row)), all += total(row);
  return ratio(static_cast<double>(largest), static_cast<double>(all));
}

std::vector<ClassScores> class_scores(const ConfusionMatrix& counts) {
  std::vector<ClassScores> scores(counts.size());
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const auto right = static_cast<double>(counts[c][c]);
    ClassScores& s = scores[c];
    s.rows = total(counts[c]);
    for (const auto& row : counts) s.predicted += row[c];
    const auto predicted = static_cast<double>(s.predicted);
    s.precision = ratio(right, predicted);
    s.recall = ratio(right, static_cast<double>(s.rows));
    s.f1 = ratio(2 * right, predicted + static_cast<double>(s.rows));
  }
  return scores;
}

ClassScores macro_average(const std::vector<ClassScores>& scores) {
  ClassScores sum;
  double n = 0;
  for (const auto& s : scores) {
    sum.rows += s.rows, sum.predicted += s.predicted;
    sum.precision += s.precision, sum.recall += s.recall, sum.f1 += s.f1;
    n += s.rows + s.predicted > 0 ? 1 : 0;
  }
  return {sum.rows, sum.predicted, ratio(sum.precision, n), ratio(sum.recall, n), ratio(sum.f1, n)};
}

std::optional<double> roc_auc(std::span<const double> score, std::span<const std::int32_t> positive) {
  const auto order = sorted_indices(score);
  double rank_sum = 0, positives = 0;
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    double here = 0;
    for (; end < order.size() && score[order[end]] == score[order[i]]; ++end)
      here += positive[order[end]] != 0;
    rank_sum += here * 0.5 * static_cast<double>(i + 1 + end);  // ranks i+1 … end share their mean
    positives += here;
    i = end;
  }
  const double negatives = static_cast<double>(order.size()) - positives;
  if (positives == 0 || negatives == 0) return std::nullopt;
  return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives);
}

std::vector<RocPoint> roc_curve(std::span<const double> score, std::span<const std::int32_t> positive,
                                std::size_t points) {
  const auto caught = caught_by_threshold(score, positive);
  if (caught.empty() || caught.back().hits == 0 || caught.back().alarms == 0) return {};
  std::vector<RocPoint> curve = {{std::numeric_limits<double>::infinity(), 0, 0}};
  for (const auto& c : caught)
    curve.push_back({c.threshold, c.alarms / caught.back().alarms, c.hits / caught.back().hits});
  return thinned(std::move(curve), points);
}

std::vector<PrecisionRecallPoint> precision_recall_curve(std::span<const double> score,
                                                         std::span<const std::int32_t> positive,
                                                         std::size_t points) {
  const auto caught = caught_by_threshold(score, positive);
  if (caught.empty() || caught.back().hits == 0) return {};
  std::vector<PrecisionRecallPoint> curve;
  for (const auto& c : caught)
    curve.push_back({c.threshold, ratio(c.hits, c.hits + c.alarms), c.hits / caught.back().hits});
  return thinned(std::move(curve), points);
}

std::optional<double> average_precision(std::span<const double> score,
                                        std::span<const std::int32_t> positive) {
  double sum = 0, recall = 0;
  const auto curve = precision_recall_curve(score, positive, score.size());
  for (const auto& point : curve) sum += (point.recall - recall) * point.precision, recall = point.recall;
  if (curve.empty()) return std::nullopt;
  return sum;
}

std::vector<CalibrationBin> calibration_table(std::span<const double> probability,
                                              std::span<const std::int32_t> happened, std::int64_t bins) {
  std::vector<CalibrationBin> table(static_cast<std::size_t>(bins));
  for (std::size_t i = 0; i < probability.size(); ++i) {
    const auto place = static_cast<std::int64_t>(probability[i] * static_cast<double>(bins));
    CalibrationBin& bin = table[static_cast<std::size_t>(std::clamp<std::int64_t>(place, 0, bins - 1))];
    ++bin.rows;
    bin.mean_probability += probability[i];
    bin.observed += happened[i] != 0;
  }
  for (std::size_t b = 0; b < table.size(); ++b) {
    table[b].low = static_cast<double>(b) / static_cast<double>(bins);
    table[b].high = static_cast<double>(b + 1) / static_cast<double>(bins);
    table[b].mean_probability = ratio(table[b].mean_probability, static_cast<double>(table[b].rows));
    table[b].observed = ratio(table[b].observed, static_cast<double>(table[b].rows));
  }
  return table;
}

double expected_calibration_error(const std::vector<CalibrationBin>& bins) {
  double sum = 0, rows = 0;
  for (const auto& bin : bins) {
    sum += static_cast<double>(bin.rows) * std::abs(bin.mean_probability - bin.observed);
    rows += static_cast<double>(bin.rows);
  }
  return ratio(sum, rows);
}

double mean(std::span<const double> values) {
  return ratio(std::accumulate(values.begin(), values.end(), 0.0), static_cast<double>(values.size()));
}

RegressionScores regression_scores(std::span<const double> actual, std::span<const double> predicted) {
  const double centre = mean(actual);
  double squares = 0, absolute = 0, spread = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = predicted[i] - actual[i];
    squares += error * error, absolute += std::abs(error);
    spread += (actual[i] - centre) * (actual[i] - centre);
  }
  const auto n = static_cast<double>(actual.size());
  RegressionScores scores;
  scores.rmse = std::sqrt(ratio(squares, n));
  scores.mae = ratio(absolute, n);
  scores.baseline_rmse = std::sqrt(ratio(spread, n));
  if (spread > 0) scores.r2 = 1 - squares / spread;
  return scores;
}

}  // namespace rankflow
