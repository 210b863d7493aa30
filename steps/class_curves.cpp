#include "steps/class_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace rankflow {
namespace {

/// In all, and of a class.
constexpr std::int64_t most_steps = std::int64_t{1} << 20, fewest_of_class = 2048, most_of_class = 262'144;

/// log(p / (1 - p)), for p near 1 too.
double log_odds(double log_p) {
  if (log_p >= 0) return std::numeric_limits<double>::infinity();
  return log_p - (log_p > -0.693 ? std::log(-std::expm1(log_p)) : std::log1p(-std::exp(log_p)));
}

}  // namespace

/// Rows at or above a threshold, from the highest down.
struct ClassCurves::Step {
  double threshold, hits, alarms;
};

ClassCurves::ClassCurves(std::int64_t classes) {
  if (classes == 0) return;
  const std::int64_t most = std::clamp(most_steps / classes, fewest_of_class, most_of_class);
  counts_.assign(static_cast<std::size_t>(classes), ScoreCounts(static_cast<std::size_t>(most)));
}

void ClassCurves::add(std::int64_t of_class, double log_probability, bool is) {
  counts_[static_cast<std::size_t>(of_class)].add(log_odds(log_probability), is);
}

std::vector<std::int32_t> ClassCurves::coarseness() {
  std::vector<std::int32_t> all;
  for (ScoreCounts& counts : counts_) {
    counts.counts();
    all.push_back(counts.coarseness());
  }
  return all;
}

void ClassCurves::coarsen_to(const std::vector<std::int32_t>& coarseness) {
  for (std::size_t c = 0; c < counts_.size(); ++c) counts_[c].coarsen_to(coarseness.at(c));
}

const std::vector<ScoreCount>& ClassCurves::counts(std::int64_t of_class) {
  return counts_[static_cast<std::size_t>(of_class)].counts();
}

void ClassCurves::set_counts(std::int64_t of_class, std::vector<ScoreCount> counts) {
  counts_[static_cast<std::size_t>(of_class)].set(std::move(counts));
}

std::vector<ClassCurves::Step> ClassCurves::steps(std::int64_t of_class) {
  ScoreCounts& counted = counts_[static_cast<std::size_t>(of_class)];
  const auto& counts = counted.counts();
  std::vector<Step> all;
  double hits = 0, alarms = 0;
  for (auto count = counts.rbegin(); count != counts.rend(); ++count) {
    alarms += static_cast<double>(count->others), hits += static_cast<double>(count->hits);
    all.push_back({1 / (1 + std::exp(-counted.score_of(count->step))), hits, alarms});
  }
  if (hits == 0 || alarms == 0) all.clear();
  return all;
}

std::vector<RocPoint> ClassCurves::roc(std::int64_t of_class) {
  const auto all = steps(of_class);
  if (all.empty()) return {};
  std::vector<RocPoint> curve = {{std::numeric_limits<double>::infinity(), 0, 0}};
  for (const Step& s : all)
    curve.push_back({s.threshold, s.alarms / all.back().alarms, s.hits / all.back().hits});
  return curve;
}

std::vector<PrecisionRecallPoint> ClassCurves::precision_recall(std::int64_t of_class) {
  const auto all = steps(of_class);
  std::vector<PrecisionRecallPoint> curve;
  for (const Step& s : all)
    curve.push_back({s.threshold, s.hits / (s.hits + s.alarms), s.hits / all.back().hits});
  return curve;
}

std::optional<double> ClassCurves::auc(std::int64_t of_class) {
  const auto curve = roc(of_class);
  if (curve.empty()) return std::nullopt;
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i)
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  return area;
}

std::optional<double> ClassCurves::average_precision(std::int64_t of_class) {
  const auto curve = precision_recall(of_class);
  if (curve.empty()) return std::nullopt;
  double sum = 0, recall = 0;
  for (const auto& point : curve) sum += (point.recall - recall) * point.precision, recall = point.recall;
  return sum;
}

}  // namespace rankflow
