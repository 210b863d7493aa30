// What turns rows of the input into rows of results: the seam between models, or a user's own code, and the distribution of
// mini-batches over ranks (score_run.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/partition.h"
#include "io/result_table.h"

namespace rankflow {

class RowScorer {
 public:
  virtual ~RowScorer() = default;

  /// Rows (or files) of the input.
  virtual std::int64_t rows() const = 0;
  /// Is called once before score() of these rows, however often that is tried. Throws Error where the rows can't be in the output
  /// whatever the results: that is no failure of the mini-batch, and the step ends.
  virtual void begin(Range /*rows*/) {}
  /// The results of these rows, in their order: the same bytes whenever they are asked for, on any rank. Throws Error where
  /// the mini-batch failed.
  virtual ResultTable score(Range rows) = 0;
  /// That what score() read for these rows is still what was found when the step began. Throws Error (bad_data), which is no failure
  /// of the mini-batch either.
  virtual void check_unchanged(Range /*rows*/) const {}
  /// Columns of the results. For a user's code they are those of the last score(), and types may differ from one to the next.
  virtual const ResultSchema& schema() const = 0;
  virtual bool knows_schema() const { return true; }
  /// Columns that the summary counts (categories) or averages (numbers).
  virtual std::vector<std::size_t> summarised() const { return {}; }
  /// What readers of the files are told: {task, …}.
  virtual Json about() const = 0;
};

}  // namespace rankflow
