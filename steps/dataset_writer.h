// Writes prepared rows as datasets: the parts are divided over the ranks, each is written by exactly one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "runtime/step.h"

namespace rankflow {

/// A column of the datasets and how to get its values.
struct OutputColumn {
  ColumnInfo info;
  /// Writes the values of these source rows (ascending), row-major, to `out`.
  std::function<void(std::span<const std::int64_t> rows, std::byte* out)> fill;
};

/// What a prepare step found in its input, whatever its format.
struct PreparedData {
  std::vector<OutputColumn> columns;
  std::map<std::string, std::vector<std::int64_t>> splits;  // output → its source rows, ascending
  Json schema = Json::object();
  Json summary = Json::object();  // for the step's record: rows read, rows dropped and why, columns
  std::int64_t most_rows_per_part = std::numeric_limits<std::int64_t>::max();
  /// Writes further files into an output's folder, where there are any; called by one rank.
  std::function<void(const std::string& folder, std::span<const std::int64_t> rows)> beside = nullptr;
  /// What is left to do when the datasets are written; collective.
  std::function<void(StepContext& context)> finish = nullptr;
};

/// Collective. Rows are asked for a few at a time (about 32 MiB). The files' bytes don't depend on the number of ranks.
void write_datasets(StepContext& context, const PreparedData& data, std::int64_t rows_per_part);

/// The OutputColumn `row` that every dataset has.
OutputColumn row_column();

}  // namespace rankflow
