// ZeRO stage 1 (Rajbhandari et al. 2020, arXiv:1910.02054): each rank holds the optimizer's state of its own part of the
// parameters alone, gets the sum of the gradients of that part alone, updates it, and the ranks exchange what they
// updated. As many bytes travel as in an all-reduce; memory and time of the update are divided by the ranks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "steps/flat_parameters.h"

namespace rankflow {

class ShardedExchange {
 public:
  /// Keeps references; `comm` is used in finish(), norm(), share() and whole() alone, which are collective.
  ShardedExchange(Communicator& comm, const FlatParameters& parameters);

  /// This rank's elements of the flat buffers: whole cache lines, in the order of the ranks; may be empty.
  Range own() const;
  /// Sums over the ranks: what is reduced along, and of the gradients own(); others are undefined.
  void finish();
  /// Of the whole gradient, of which each rank holds its own part; the same bits on each rank.
  double norm() const;
  /// Every rank's own part of the values, to all.
  void share() const;
  /// [n] from every rank's own part.
  at::Tensor whole(const at::Tensor& part) const;

  std::string description() const;

 private:
  Communicator& comm_;
  const FlatParameters& parameters_;
  std::vector<std::int64_t> counts_;  // elements by rank
  std::vector<std::int64_t> bytes_;   // the same
};

}  // namespace rankflow
