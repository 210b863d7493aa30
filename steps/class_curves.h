// ROC and precision/recall of each class against all others, from counts that ranks put together: a dataset of any size needs the
// same memory.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "steps/metrics.h"
#include "steps/score_counts.h"

namespace rankflow {

class ClassCurves {
 public:
  /// Rows are counted by the log-odds of their probability. For each class at most 262,144 different ones are kept apart (with more
  /// classes fewer, with 512 and more 2,048): where there are more, close ones count as equal.
  explicit ClassCurves(std::int64_t classes = 0);

  /// A row's probability (its natural logarithm) of being of the class, and whether it is.
  void add(std::int64_t of_class, double log_probability, bool is);

  // To put what several ranks counted together: all coarsen to the largest coarseness, and one of them takes all counts.
  std::vector<std::int32_t> coarseness();
  void coarsen_to(const std::vector<std::int32_t>& coarseness);
  const std::vector<ScoreCount>& counts(std::int64_t of_class);
  /// In place of the own ones, and as coarse as these are.
  void set_counts(std::int64_t of_class, std::vector<ScoreCount> counts);

  // Of one class; empty or nullopt where it, or all others, have no rows. What each is: metrics.h.
  std::vector<RocPoint> roc(std::int64_t of_class);
  std::vector<PrecisionRecallPoint> precision_recall(std::int64_t of_class);
  std::optional<double> auc(std::int64_t of_class);
  std::optional<double> average_precision(std::int64_t of_class);

 private:
  struct Step;
  std::vector<Step> steps(std::int64_t of_class);

  std::vector<ScoreCounts> counts_;  // of each class
};

}  // namespace rankflow
