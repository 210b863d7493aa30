// Sums gradients in an order that the number of ranks has no part in. The global batch is cut into a fixed number of virtual
// shards, whose gradients are added up in a binary tree over the shards, whichever rank computes which: floating-point
// sums then come out in the same bits on any number of ranks.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "collectives/communicator.h"

namespace rankflow {

class ShardTree {
 public:
  /// `buffer`: f32 or f64 [n], contiguous; where the gradients of each shard are made. `shards`: a power of two. Rank r
  /// computes shards r·k … r·k+k-1 of the k = shards / ranks that fall to each. Collective over `group`, of which it makes
  /// communicators of its own. Throws Error (configuration) where the ranks can't share the shards equally.
  ShardTree(Communicator& group, at::Tensor buffer, std::int64_t shards);

  std::int64_t shards_per_rank() const { return per_rank_; }
  /// The buffer holds the values of this rank's next shard; but after the last one it holds zeros afterwards, for
  /// the shard that follows.
  void add();
  /// After the last shard. The buffer then holds the sum over all shards, the same bits on each rank. Collective: one
  /// all_reduce between two ranks for each doubling of the ranks.
  void finish();
  /// Collective.
  void close();
  std::string description() const;

 private:
  at::Tensor buffer_;
  std::int64_t shards_, per_rank_, added_ = 0;
  std::vector<at::Tensor> nodes_;  // [level]: the left half of a sum whose right half is still to come
  std::vector<std::unique_ptr<Communicator>> pairs_;  // from neighbours to the two halves of the group
};

}  // namespace rankflow
