// The keys of a score step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/model_outputs.h"

namespace rankflow {

/// How many failures a run tolerates. Nothing limits one of the two where only the other is given; -1 tolerates all.
struct FailureLimits {
  std::optional<std::int64_t> mini_batches, rows;

  /// `mini_batch_error_threshold` and `error_threshold` (null: not given).
  static FailureLimits from(const Json& parameters);
  bool exceeded(std::int64_t failed_mini_batches, std::int64_t failed_rows) const;
  /// Whether -1 was given: otherwise some of the mini-batches have to succeed.
  bool tolerates_all() const { return mini_batches == -1 || rows == -1; }
};

struct ScoreOptions {
  explicit ScoreOptions(const Json& parameters);

  std::vector<std::string> models;      // inputs
  bool side_by_side;                    // of several models: columns for each, not their mean
  std::optional<ModelOutputs> outputs;  // of models from elsewhere
  std::int64_t mini_batch_size;
  bool all_probabilities;
  std::int64_t top_k;                      // 0: none
  std::vector<std::string> input_columns;  // each once, without `row`
  std::vector<std::string> formats;        // none: the summary alone
  std::int64_t rows_per_file;              // 0: one file
  std::int64_t max_retries;
  std::optional<double> timeout;  // seconds
  FailureLimits limits;
};

}  // namespace rankflow
