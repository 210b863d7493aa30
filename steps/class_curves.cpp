#include "steps/class_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rankflow {
namespace {

constexpr double steps_per_unit = 25, most_log_odds = 20;
constexpr std::int64_t steps_of_class = static_cast<std::int64_t>(2 * most_log_odds * steps_per_unit) + 1;

/// log(p / (1 - p)), for p near 1 too.
double log_odds(double log_p) {
  if (log_p >= 0) return std::numeric_limits<double>::infinity();
  return log_p - (log_p > -0.693 ? std::log(-std::expm1(log_p)) : std::log1p(-std::exp(log_p)));
}

/// The lowest probability that counts to the step.
double probability_of(std::int64_t step) {
  if (step == 0) return 0;
  return 1 / (1 + std::exp(most_log_odds - static_cast<double>(step) / steps_per_unit));
}

}  // namespace

/// Rows at or above a threshold, from the highest down.
struct ClassCurves::Step {
  double threshold, hits, alarms;
};

ClassCurves::ClassCurves(std::int64_t classes)
    : counts_(static_cast<std::size_t>(classes * steps_of_class * 2)) {}

void ClassCurves::add(std::int64_t of_class, double log_probability, bool is) {
  double odds = log_odds(log_probability);
  odds = odds > -most_log_odds ? std::min(odds, most_log_odds) : -most_log_odds;  // NaN is the lowest
  const auto step = static_cast<std::int64_t>(std::floor((odds + most_log_odds) * steps_per_unit));
  ++counts_[static_cast<std::size_t>((of_class * steps_of_class + step) * 2 + (is ? 1 : 0))];
}

std::vector<ClassCurves::Step> ClassCurves::steps(std::int64_t of_class) const {
  std::vector<Step> all;
  std::int64_t hits = 0, alarms = 0;
  for (std::int64_t step = steps_of_class - 1; step >= 0; --step) {
    const std::int64_t* counts = &counts_[static_cast<std::size_t>((of_class * steps_of_class + step) * 2)];
    if (counts[0] + counts[1] == 0) continue;
    alarms += counts[0], hits += counts[1];
    all.push_back({probability_of(step), static_cast<double>(hits), static_cast<double>(alarms)});
  }
  if (hits == 0 || alarms == 0) all.clear();
  return all;
}

std::vector<RocPoint> ClassCurves::roc(std::int64_t of_class) const {
  const auto all = steps(of_class);
  if (all.empty()) return {};
  std::vector<RocPoint> curve = {{std::numeric_limits<double>::infinity(), 0, 0}};
  for (const Step& s : all)
    curve.push_back({s.threshold, s.alarms / all.back().alarms, s.hits / all.back().hits});
  return curve;
}

std::vector<PrecisionRecallPoint> ClassCurves::precision_recall(std::int64_t of_class) const {
  const auto all = steps(of_class);
  std::vector<PrecisionRecallPoint> curve;
  for (const Step& s : all)
    curve.push_back({s.threshold, s.hits / (s.hits + s.alarms), s.hits / all.back().hits});
  return curve;
}

std::optional<double> ClassCurves::auc(std::int64_t of_class) const {
  const auto curve = roc(of_class);
  if (curve.empty()) return std::nullopt;
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  return area;
}

std::optional<double> ClassCurves::average_precision(std::int64_t of_class) const {
  const auto curve = precision_recall(of_class);
  if (curve.empty()) return std::nullopt;
  double sum = 0, recall = 0;
  for (const auto& point : curve) sum += (point.recall - recall) * point.precision, recall = point.recall;
  return sum;
}

}  // namespace rankflow
