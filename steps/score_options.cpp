#include "steps/score_options.h"

#include <algorithm>

#include "io/optional_key.h"
#include "steps/entry_program.h"

namespace rankflow {
namespace {

std::optional<std::int64_t> optional_count(const Json& parameters, const char* key) {
  const Json& count = value_or_null(parameters, key);
  return count.is_null() ? std::nullopt : std::optional(count.get<std::int64_t>());
}

/// Each once, without the number of the row, which comes first anyway.
std::vector<std::string> columns_beside_row(const Json& names) {
  std::vector<std::string> columns;
  for (const std::string name : names) {
    if (name != "row" && std::find(columns.begin(), columns.end(), name) == columns.end())
      columns.push_back(name);
  }
  return columns;
}

bool above(std::int64_t count, const std::optional<std::int64_t>& limit) {
  return limit && *limit >= 0 && count > *limit;
}

}  // namespace

FailureLimits FailureLimits::from(const Json& parameters) {
  FailureLimits limits{optional_count(parameters, "mini_batch_error_threshold"),
                       optional_count(parameters, "error_threshold")};
  if (!limits.mini_batches && !limits.rows) limits.mini_batches = 0;
  return limits;
}

bool FailureLimits::exceeded(std::int64_t failed_mini_batches, std::int64_t failed_rows) const {
  return above(failed_mini_batches, mini_batches) || above(failed_rows, rows);
}

ScoreOptions::ScoreOptions(const Json& parameters)
    : models(parameters.at("models")),
      side_by_side(models.size() > 1 && parameters.at("ensemble") == "side_by_side"),
      outputs(wanted_outputs(parameters)),
      mini_batch_size(parameters.at("mini_batch_size")),
      all_probabilities(parameters.at("probabilities")),
      top_k(parameters.at("top_k")),
      input_columns(columns_beside_row(parameters.at("input_columns"))),
      rows_per_file(parameters.value("rows_per_file", std::int64_t{0})),
      max_retries(parameters.at("retry_settings").at("max_retries")),
      timeout(mini_batch_timeout(parameters)),
      limits(FailureLimits::from(parameters)) {
  if (parameters.at("output_action") == "append_row") formats = parameters.at("formats");
}

}  // namespace rankflow
