// Mini-batches of a score step over the ranks: who takes which, what is tried again, and what is kept of finished ones, so
// that an interrupted run goes on with those that are missing.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectives/ticket_counter.h"
#include "io/result_format.h"
#include "runtime/step.h"
#include "steps/hand_out.h"
#include "steps/mini_batch_ledger.h"
#include "steps/row_scorer.h"
#include "steps/score_options.h"

namespace rankflow {

/// A mini-batch that gave no results, however often it was tried.
struct FailedMiniBatch {
  std::int64_t number = 0;
  Range rows;
  int rank = 0;
  std::string message;
};

/// What all ranks have done; the same on each.
struct ScoredRows {
  ResultSchema schema;
  std::vector<ResultChunk> chunks;        // in the input's order
  std::vector<FailedMiniBatch> failures;  // in the same
};

class ScoreRun {
 public:
  ScoreRun(StepContext& context, const ScoreOptions& options, RowScorer& scorer);

  /// Scores what no interrupted run has finished. Throws Stopped when asked to stop, after keeping what is finished, and
  /// Error where more failed than is tolerated. Collective.
  ScoredRows run();
  /// Puts the output's files together: scores.ENDING, or scores-00000.ENDING, … Collective.
  void write_files(const ScoredRows& scored, const std::string& folder) const;

 private:
  /// Rows that are scored but not yet in the shard: consecutive mini-batches, all of one file of the output.
  struct Pending {
    Range mini_batches;
    ResultSchema schema;
    ResultTable table;
    Json sums = Json::array();  // of each mini-batch, for the summary
    double since = 0;
  };

  std::int64_t mini_batches() const;
  std::int64_t mini_batches_per_file() const;
  Range rows_of(std::int64_t mini_batch) const;
  Json about_shards() const;

  void work();
  void score_run(Range positions);
  std::optional<ResultTable> try_to_score(std::int64_t mini_batch);
  void fail(std::int64_t mini_batch, const Error& error);
  void keep(std::int64_t mini_batch, ResultTable&& table);
  void check_columns(std::int64_t mini_batch, const ResultSchema& schema);
  bool widen(const ResultSchema& schema);
  void flush();
  Json sums_of(const ResultTable& table) const;
  void report_progress(std::int64_t position);
  ScoredRows gather();
  void check_complete(const ScoredRows& scored) const;

  StepContext& context_;
  const ScoreOptions& options_;
  RowScorer& scorer_;
  std::vector<std::unique_ptr<ResultFormat>> formats_;
  MiniBatchLedger ledger_;
  std::vector<std::int64_t> missing_;  // numbers of mini-batches
  std::vector<FailedMiniBatch> failures_;
  std::unique_ptr<TicketCounter> tickets_;
  Pending pending_;
  ResultSchema seen_;  // of a user's code: columns that serve all that this rank scored
  std::int64_t first_seen_ = 0;
};

}  // namespace rankflow
