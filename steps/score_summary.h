// What score says about a run beside the rows: summary.json, mini_batches.csv and errors.csv.
#pragma once

#include <string>

#include "steps/score_run.h"

namespace rankflow {

/// Writes the three files and returns summary.json: {task, rows, mini_batch_size, mini_batches, failed_mini_batches,
/// failed_rows, rows_per_class or mean_prediction}. mini_batches.csv has a line for each mini-batch: its rows and the same
/// numbers; errors.csv one for each that failed.
Json write_score_summary(const std::string& folder, const ScoredRows& scored, const RowScorer& scorer,
                         const ScoreOptions& options);

}  // namespace rankflow
