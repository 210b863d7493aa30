// ZeRO stage 1 (Rajbhandari et al. 2020, arXiv:1910.02054): each rank holds the optimizer's state of its own part of the
// parameters alone, gets the sum of the gradients of that part alone, updates it, and the ranks exchange what they
// updated. As many bytes travel as in an all-reduce; memory and time of the update are divided by the ranks.
//
// Ranks of one host need not send anything: they have one copy of the parameters in memory that they share, of which each
// updates its part, and add up each other's gradients where these lie.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "collectives/host_memory.h"
#include "steps/flat_parameters.h"

namespace rankflow {

/// The elements of the flat buffers that fall to each of `ranks`: whole cache lines, in the order of the ranks; may be empty.
std::vector<Range> parts_of(const FlatParameters& parameters, int ranks);

/// Of some elements of a flat tensor; the same bits wherever these are computed.
double sum_of_squares(const at::Tensor& flat, Range elements);

class ShardedExchange {
 public:
  /// Keeps references; `comm` is used in finish(), norm() and share() alone, which are collective. `parts`: parts_of() them.
  /// `shared`, of bytes_to_share() bytes: the parameters move there, and stay; null: ranks send messages.
  ShardedExchange(Communicator& comm, FlatParameters& parameters, const std::vector<Range>& parts,
                  std::shared_ptr<HostMemory> shared = nullptr);
  static std::size_t bytes_to_share(const Communicator& comm, const FlatParameters& parameters);

  /// This rank's elements of the flat buffers.
  Range own() const { return parts_[static_cast<std::size_t>(comm_.rank())]; }
  /// Sums over the ranks: what is reduced along, and of the gradients own(); others are undefined.
  void finish();
  /// Of the whole gradient, of which each rank holds its own part; the same bits on each rank. Once after finish().
  double norm() const;
  /// Every rank's own part of the values, to all.
  void share() const;

  std::string description() const;

 private:
  void sum_messages(DType type);
  void add_up();

  Communicator& comm_;
  const FlatParameters& parameters_;
  const std::vector<Range>& parts_;    // by rank
  std::vector<std::int64_t> bytes_;    // of these
  std::vector<at::Tensor> gradients_;  // of each rank, in shared memory; empty without
  double square_ = 0;                  // of the norm of own()
};

}  // namespace rankflow
