// What a model said about each row of a dataset, and the metrics of any weighting of the rows: of all of them, of a
// slice, of a bootstrap's sample.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace rankflow {

/// What a classifier said about one row.
struct ClassOutcome {
  std::int32_t actual = 0;
  std::int32_t predicted = 0;  // two classes: by the threshold; otherwise the most probable
  double log_probability = 0;  // of the actual class, natural logarithm
  double probability = 0;      // two classes: of the positive one; otherwise of the predicted one
  double brier = 0;            // sum over the classes of (probability - happened)²
};

struct NumberOutcome {
  double actual, predicted;
};

struct ClassificationOptions {
  std::vector<std::string> classes;
  std::int32_t positive = 1;  // two classes only
  double threshold = 0.5;     // of the positive class's probability
  std::int64_t calibration_bins = 10;

  bool binary() const { return classes.size() == 2; }
};

/// The metrics of rows that count so often each: `weights` has one for every row of the dataset, or none (1 each). NaN
/// where a metric has no value, such as the AUC of one class.
using Measure = std::function<std::vector<double>(std::span<const std::uint8_t> weights)>;

/// A measure of the rows `rows` (ascending) and the names of its values, in their order. Keep references to `outcomes`.
/// accuracy, log_loss, brier; two classes: precision, recall, f1, auc, average_precision; more: macro_precision,
/// macro_recall, macro_f1. What each is: metrics.h.
Measure class_measure(std::span<const ClassOutcome> outcomes, std::vector<std::int64_t> rows,
                      const ClassificationOptions& options);
std::vector<std::string> class_metrics(bool binary);
/// rmse, mae, r2.
Measure number_measure(std::span<const NumberOutcome> outcomes, std::vector<std::int64_t> rows);
std::vector<std::string> number_metrics();

bool higher_is_better(const std::string& metric);

}  // namespace rankflow
