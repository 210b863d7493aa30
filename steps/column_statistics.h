// Mean, variance and extremes of columns over all ranks, the same bits whatever their number: each fixed
// block of rows is summed up alone, and the blocks are merged in their order.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "base/partition.h"
#include "collectives/communicator.h"

namespace rankflow {

/// Rows of a block. Changing it changes the last bits of statistics: count up the version of prepare.
constexpr std::int64_t statistics_block = 65536;

struct Moments {
  std::int64_t count = 0;
  double mean = 0;
  double m2 = 0;  // sum of squared differences from the mean
  double minimum = std::numeric_limits<double>::infinity();
  double maximum = -std::numeric_limits<double>::infinity();

  /// Welford's update (Technometrics 4, 1962).
  void add(double value);
  /// Of the population; 0 where there is no value.
  double standard_deviation() const;
};

/// The moments of two sets together: Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm for
/// computing sample variances" (1979).
Moments merge(const Moments& a, const Moments& b);

/// The statistics blocks of `rows` source rows that this rank takes.
Range my_blocks(const Communicator& comm, std::int64_t rows);
Range block_rows(std::int64_t block, std::int64_t rows);

/// Merges over all ranks: `mine` holds `columns` moments for each of this rank's blocks, block by block.
/// Collective.
std::vector<Moments> merge_over_ranks(Communicator& comm, const std::vector<Moments>& mine,
                                      std::size_t columns);

}  // namespace rankflow
