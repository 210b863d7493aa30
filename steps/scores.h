// Predictions of many rows, and the files that a score step makes of them.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/file.h"
#include "io/json.h"
#include "steps/predictor.h"

namespace rankflow {

struct ScoreOptions {
  explicit ScoreOptions(const Json& parameters);

  std::int64_t mini_batch_size;
  bool all_probabilities;  // classification: of every class; otherwise of the predicted one
  bool csv, hdf5;
};

/// Rows in their order; one rank's, or all.
struct Scores {
  std::vector<std::int64_t> row;        // numbers of the source rows
  std::vector<std::int64_t> predicted;  // classification: the most probable class
  std::vector<float> value;             // regression
  std::vector<float> probability;       // classification: `width` per row
  std::int64_t width = 0;               // probabilities per row

  std::size_t size() const { return row.size(); }
  void clear();
};

/// Applies the model to consecutive rows and appends what it gives.
void append_scores(const Predictor& predictor, Range rows, const ScoreOptions& options, Scores& scores);

/// The lines of scores.csv for these rows, and the line above them. Values are floats in their shortest exact
/// form.
std::string csv_lines(const Scores& scores, const std::vector<std::string>& classes);
std::string csv_header(const std::vector<std::string>& classes, const ScoreOptions& options);

/// Writes the files on the first rank as rounds of rows come in; the other ranks send.
class ScoreFiles {
 public:
  ScoreFiles(std::string folder, const Predictor& predictor, const ScoreOptions& options, Communicator& comm);

  /// This rank's next rows; after those of the ranks before it. Collective.
  void append(const Scores& mine);
  /// Completes the files; returns the summary (on the first rank). Collective.
  Json finish();

 private:
  void count(const Scores& scores);
  void write_hdf5();
  Json summary() const;

  std::string folder_;
  const Predictor& predictor_;
  ScoreOptions options_;
  Communicator& comm_;
  File csv_;
  Scores all_;  // for HDF5, which is written in one piece
  std::int64_t rows_ = 0;
  std::vector<std::int64_t> counts_;  // rows per class
  double sum_ = 0;                    // of predicted values
};

}  // namespace rankflow
