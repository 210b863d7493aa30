// ROC and precision/recall of each class against all others, from counts that ranks add up: a dataset of any size needs the same
// memory.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "steps/metrics.h"

namespace rankflow {

class ClassCurves {
 public:
  /// Rows are counted by the log-odds of their probability, in steps of 1/25 from -20 to 20: scores that close count as equal.
  explicit ClassCurves(std::int64_t classes = 0);

  /// A row's probability (its natural logarithm) of being of the class, and whether it is.
  void add(std::int64_t of_class, double log_probability, bool is);
  /// All counts: of several ranks' they are the sums.
  std::span<std::int64_t> counts() { return counts_; }

  // Of one class; empty or nullopt where it, or all others, have no rows. What each is: metrics.h.
  std::vector<RocPoint> roc(std::int64_t of_class) const;
  std::vector<PrecisionRecallPoint> precision_recall(std::int64_t of_class) const;
  std::optional<double> auc(std::int64_t of_class) const;
  std::optional<double> average_precision(std::int64_t of_class) const;

 private:
  struct Step;
  std::vector<Step> steps(std::int64_t of_class) const;

  std::vector<std::int64_t> counts_;  // [class][step][0: others, 1: the class]
};

}  // namespace rankflow
