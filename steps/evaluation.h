// From outcomes of all rows to the results of an evaluate step: which metrics and curves a task gets, and the files
// that they are written to.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/bootstrap.h"
#include "steps/class_curves.h"
#include "steps/metrics.h"
#include "steps/outcomes.h"
#include "steps/permutation_importance.h"

namespace rankflow {

/// A value with its interval, where samples were drawn.
struct Estimate {
  double value;  // NaN: none
  std::optional<Interval> interval;
};

struct SliceResult {
  std::string column, value;
  std::int64_t rows;
  bool small;
  std::vector<Estimate> estimates;
};

struct ComparedMetric {
  std::string metric;
  double model, baseline;
  Estimate difference;  // model - baseline
};

struct ClassCurve {
  std::string of;  // the class
  std::vector<RocPoint> roc;
  std::vector<PrecisionRecallPoint> precision_recall;
  double base_rate = 0;  // share of the rows that are of the class
};

/// Everything that an evaluation found out; what was not asked for is empty.
struct Evaluation {
  Json metrics;                      // metrics.json
  std::vector<std::string> classes;  // classification
  ConfusionMatrix confusion;
  std::vector<CalibrationBin> calibration;
  /// Two classes: of the positive one. More: of each against the others, in their order.
  std::vector<ClassCurve> curves;
  std::vector<std::string> names;   // of the estimates
  std::vector<Estimate> estimates;  // of all rows
  std::vector<SliceResult> slices;
  std::string importance_metric;
  std::vector<Importance> importance;  // the most important first
  double importance_base = 0;          // the metric without a permutation
  std::vector<ComparedMetric> comparison;
  Json paired_test;
};

/// Metrics and curves of all rows. `curves`: of more than two classes; for two they come from the outcomes.
Evaluation evaluate_classes(std::span<const ClassOutcome> outcomes, ClassCurves& curves,
                            const ClassificationOptions& options);
Evaluation evaluate_numbers(std::span<const NumberOutcome> outcomes);

/// Of a permuted column: how much worse the metric got, mean over the repeats.
double importance_of(const Evaluation& evaluation, const Importance& column);

/// Writes metrics.json, report.html, and of the other tables (confusion.csv, calibration.csv, roc.csv,
/// precision_recall.csv, slices.csv and .json, importance.csv, comparison.json) those that there is something for.
/// Throws Error (io).
void write_evaluation(const std::string& folder, const Evaluation& evaluation);
/// The few values that a step's record shows.
Json shown_results(const Evaluation& evaluation);

}  // namespace rankflow
