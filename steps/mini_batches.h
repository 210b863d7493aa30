// Mini-batches of scoring and evaluation: fixed pieces of consecutive rows, whatever the number of ranks.
// Ranks take consecutive mini-batches in rounds, so that results gathered round by round are in row order and
// need little memory.
#pragma once

#include <cstdint>

#include "base/partition.h"

namespace rankflow {

class MiniBatches {
 public:
  /// `per_round`: mini-batches of one rank in a full round.
  MiniBatches(std::int64_t rows, std::int64_t size, int ranks, std::int64_t per_round = 16)
      : rows_(rows), size_(size), ranks_(ranks), round_(per_round * ranks) {}

  std::int64_t count() const { return ceil_div(rows_, size_); }
  std::int64_t rounds() const { return ceil_div(count(), round_); }
  /// Numbers of the mini-batches that `rank` takes in a round; empty where there are fewer than ranks.
  Range of(std::int64_t round, int rank) const;
  /// Rows of a mini-batch.
  Range rows_of(std::int64_t mini_batch) const;
  /// Rows done after a round.
  std::int64_t rows_after(std::int64_t round) const;

 private:
  std::int64_t rows_;
  std::int64_t size_;
  int ranks_;
  std::int64_t round_;
};

}  // namespace rankflow
