#include "steps/mini_batches.h"

#include <algorithm>

namespace rankflow {

Range MiniBatches::of(std::int64_t round, int rank) const {
  const std::int64_t first = round * round_;
  const Range mine = partition(std::min(count() - first, round_), ranks_, rank);
  return {first + mine.begin, first + mine.end};
}

Range MiniBatches::rows_of(std::int64_t mini_batch) const {
  return {mini_batch * size_, std::min(rows_, (mini_batch + 1) * size_)};
}

std::int64_t MiniBatches::rows_after(std::int64_t round) const {
  return std::min(rows_, (round + 1) * round_ * size_);
}

}  // namespace rankflow
