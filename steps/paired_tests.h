// Whether two models differ by more than chance on the same rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/outcomes.h"

namespace rankflow {

struct McNemar {
  std::int64_t only_first = 0, only_second = 0;  // rows that one of the two got right
  bool exact = false;
  double statistic = 0;  // 0 where exact
  double p_value = 1;    // two-sided
};
/// McNemar, "Note on the sampling error of the difference between correlated proportions" (1947): the exact binomial test
/// below 25 rows that differ, otherwise chi-squared with Edwards' (1948) correction for continuity.
McNemar mcnemar(std::int64_t only_first, std::int64_t only_second);

struct PairedT {
  double mean = 0;       // of the differences
  double deviation = 0;  // of the sample
  double t = 0;
  std::int64_t degrees_of_freedom = 0;
  double p_value = 1;  // two-sided
};
/// Student's (1908) t test of paired differences. Without a spread (and below two rows) the p value is 1 for a mean of 0
/// and 0 for any other.
PairedT paired_t(std::span<const double> differences);

/// What metrics.json and comparison.json say: McNemar's test of which rows are right; the paired t test of the squared
/// errors.
Json paired_test(std::span<const ClassOutcome> model, std::span<const ClassOutcome> baseline);
Json paired_test(std::span<const NumberOutcome> model, std::span<const NumberOutcome> baseline);

}  // namespace rankflow
