#include "steps/outcomes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace rankflow {
namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();

double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}

double weight_of(std::span<const std::uint8_t> weights, std::int64_t row) {
  return weights.empty() ? 1 : weights[static_cast<std::size_t>(row)];
}

struct RankingScores {
  double auc = none, average_precision = none;
};

/// `falling`: rows from the highest score to the lowest.
RankingScores ranking_scores(std::span<const ClassOutcome> outcomes, const std::vector<std::int64_t>& falling,
                             std::int32_t positive, std::span<const std::uint8_t> weights) {
  const auto at = [&](std::size_t i) -> const ClassOutcome& {
    return outcomes[static_cast<std::size_t>(falling[i])];
  };
  double hits = 0, alarms = 0, pairs = 0, precision_sum = 0;
  for (std::size_t i = 0; i < falling.size();) {
    const double score = at(i).probability;
    double hits_here = 0, alarms_here = 0;
    for (; i < falling.size() && at(i).probability == score; ++i)
      (at(i).actual == positive ? hits_here : alarms_here) += weight_of(weights, falling[i]);
    pairs += alarms_here * (hits + 0.5 * hits_here);  // positives above these negatives; ties count half
    hits += hits_here, alarms += alarms_here;
    precision_sum += hits_here * ratio(hits, hits + alarms);
  }
  RankingScores scores;
  if (hits > 0) scores.average_precision = precision_sum / hits;
  if (hits > 0 && alarms > 0) scores.auc = pairs / (hits * alarms);
  return scores;
}

struct ClassSums {
  double rows = 0, right = 0, log_probability = 0, brier = 0;
  std::vector<double> hits, predicted, actual;  // of each class

  explicit ClassSums(std::size_t classes) : hits(classes), predicted(classes), actual(classes) {}
  void add(const ClassOutcome& o, double weight) {
    rows += weight;
    log_probability += weight * o.log_probability;
    brier += weight * o.brier;
    actual[static_cast<std::size_t>(o.actual)] += weight;
    predicted[static_cast<std::size_t>(o.predicted)] += weight;
    if (o.actual != o.predicted) return;
    right += weight;
    hits[static_cast<std::size_t>(o.actual)] += weight;
  }
  bool occurs(std::size_t c) const { return predicted[c] + actual[c] > 0; }
  double precision(std::size_t c) const { return ratio(hits[c], predicted[c]); }
  double recall(std::size_t c) const { return ratio(hits[c], actual[c]); }
  double f1(std::size_t c) const { return ratio(2 * hits[c], predicted[c] + actual[c]); }
};

std::vector<double> values_of(const ClassSums& sums, const ClassificationOptions& options,
                              const RankingScores& ranking) {
  if (sums.rows == 0) return std::vector<double>(class_metrics(options.binary()).size(), none);
  std::vector<double> values = {sums.right / sums.rows, -sums.log_probability / sums.rows,
                                sums.brier / sums.rows};
  if (options.binary()) {
    const auto c = static_cast<std::size_t>(options.positive);
    values[2] /= 2;  // of the positive class alone, as it is for two classes
    values.insert(values.end(),
                  {sums.precision(c), sums.recall(c), sums.f1(c), ranking.auc, ranking.average_precision});
    return values;
  }
  double precision = 0, recall = 0, f1 = 0, n = 0;
  for (std::size_t c = 0; c < options.classes.size(); ++c) {
    if (!sums.occurs(c)) continue;
    precision += sums.precision(c), recall += sums.recall(c), f1 += sums.f1(c), n += 1;
  }
  values.insert(values.end(), {precision / n, recall / n, f1 / n});
  return values;
}

}  // namespace

std::vector<std::string> class_metrics(bool binary) {
  if (binary)
    return {"accuracy", "log_loss", "brier", "precision", "recall", "f1", "auc", "average_precision"};
  return {"accuracy", "log_loss", "brier", "macro_precision", "macro_recall", "macro_f1"};
}

Measure class_measure(std::span<const ClassOutcome> outcomes, std::vector<std::int64_t> rows,
                      const ClassificationOptions& options) {
  std::vector<std::int64_t> falling;
  if (options.binary()) {
    falling = rows;
    std::stable_sort(falling.begin(), falling.end(), [&](std::int64_t a, std::int64_t b) {
      return outcomes[static_cast<std::size_t>(a)].probability >
             outcomes[static_cast<std::size_t>(b)].probability;
    });
  }
  return [outcomes, options, rows = std::move(rows),
          falling = std::move(falling)](std::span<const std::uint8_t> weights) {
    ClassSums sums(options.classes.size());
    for (const std::int64_t row : rows)
      sums.add(outcomes[static_cast<std::size_t>(row)], weight_of(weights, row));
    RankingScores ranking;
    if (options.binary()) ranking = ranking_scores(outcomes, falling, options.positive, weights);
    return values_of(sums, options, ranking);
  };
}

std::vector<std::string> number_metrics() {
  return {"rmse", "mae", "r2"};
}

Measure number_measure(std::span<const NumberOutcome> outcomes, std::vector<std::int64_t> rows) {
  return [outcomes, rows = std::move(rows)](std::span<const std::uint8_t> weights) -> std::vector<double> {
    double n = 0, sum = 0;
    for (const std::int64_t row : rows) {
      const double weight = weight_of(weights, row);
      n += weight, sum += weight * outcomes[static_cast<std::size_t>(row)].actual;
    }
    if (n == 0) return {none, none, none};
    const double centre = sum / n;
    double squares = 0, absolute = 0, spread = 0;
    for (const std::int64_t row : rows) {
      const auto& o = outcomes[static_cast<std::size_t>(row)];
      const double weight = weight_of(weights, row), error = o.predicted - o.actual;
      squares += weight * error * error, absolute += weight * std::abs(error);
      spread += weight * (o.actual - centre) * (o.actual - centre);
    }
    return {std::sqrt(squares / n), absolute / n, spread > 0 ? 1 - squares / spread : none};
  };
}

bool higher_is_better(const std::string& metric) {
  static const std::set<std::string> lower = {"log_loss", "brier", "rmse", "mae"};
  return !lower.contains(metric);
}

}  // namespace rankflow
