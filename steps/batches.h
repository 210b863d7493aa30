// Which rows a batch holds: the global order of an epoch and each rank's shard of a global batch. Both follow
// from the number of rows, the seed and the epoch alone, so that any number of ranks sees the same batches.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/partition.h"

namespace rankflow {

/// The order in which epoch `epoch` (from 0) sees rows 0 … rows-1; ascending without `shuffle`. Fisher-Yates
/// (Durstenfeld 1964) with std::mt19937_64, whose bits the C++ standard fixes, and an unbiased draw of our
/// own (std::shuffle's draws differ between libraries).
std::vector<std::int64_t> epoch_order(std::int64_t rows, std::uint64_t seed, std::int64_t epoch,
                                      bool shuffle);

/// A stretch of an epoch's order, and the pieces of the dataset that its rows lie in: all rows of these, and no others.
struct ShuffleWindow {
  Range positions;
  std::vector<Range> pieces;
};
struct WindowedOrder {
  std::vector<std::int64_t> rows;
  std::vector<ShuffleWindow> windows;  // one after the other
};

/// A shuffle for datasets that memory does not hold: the dataset is cut into pieces of `window` / 16 consecutive rows, the
/// pieces are shuffled, and then the rows of every 16 of them, so that memory for two windows is enough to read the disk
/// in pieces. Rows far from each other in the dataset meet in a batch, but with fewer others than after epoch_order.
WindowedOrder windowed_order(std::int64_t rows, std::uint64_t seed, std::int64_t epoch, std::int64_t window);

/// Positions of global batch `batch` in the epoch's order; the last one may be shorter.
Range batch_range(std::int64_t rows, std::int64_t batch_size, std::int64_t batch);

/// The rows that `rank` takes of a global batch: consecutive pieces, empty where there are more ranks than
/// rows.
std::span<const std::int64_t> batch_shard(std::span<const std::int64_t> order, Range batch, int ranks,
                                          int rank);

/// A well-mixed seed from several numbers (SplitMix64's finalizer, Steele et al. 2014): streams that differ
/// in one of them are unrelated.
std::uint64_t mixed_seed(std::uint64_t a, std::uint64_t b, std::uint64_t c);

}  // namespace rankflow
