// From outcomes of all rows to the files of an evaluate step: which metrics a task gets, and how they are
// written.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/json.h"

namespace rankflow {

/// What a classifier said about one row.
struct ClassOutcome {
  std::int32_t actual = 0, predicted = 0;  // predicted: the most probable class
  double log_probability = 0;              // of the actual class, natural logarithm
  double confidence = 0;                   // probability of the predicted class
  double second_class = 0;                 // two classes: probability of the second
  double brier = 0;                        // sum over the classes of (probability - happened)²
};

struct NumberOutcome {
  double actual, predicted;
};

struct ClassificationOptions {
  std::vector<std::string> classes;
  std::int32_t positive = 1;  // two classes only
  double threshold = 0.5;     // of the positive class's probability
  std::int64_t calibration_bins = 10;
};

/// Writes metrics.json, confusion.csv, calibration.csv and, for two classes, roc.csv. Returns the few values
/// that a step's record shows. Throws Error (io).
Json write_classification(const std::string& folder, std::vector<ClassOutcome> outcomes,
                          const ClassificationOptions& options);
/// Writes metrics.json.
Json write_regression(const std::string& folder, const std::vector<NumberOutcome>& outcomes);

}  // namespace rankflow
