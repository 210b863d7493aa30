#include "steps/shard_tree.h"

#include <torch/torch.h>

#include <bit>

#include "base/error.h"
#include "base/text.h"
#include "steps/tensors.h"

namespace rankflow {

ShardTree::ShardTree(Communicator& group, at::Tensor buffer, std::int64_t shards)
    : buffer_(std::move(buffer)), shards_(shards), per_rank_(shards / group.size()) {
  const auto ranks = static_cast<unsigned>(group.size());
  if (!std::has_single_bit(ranks) || per_rank_ == 0) {
    throw Error(
        ExitStatus::configuration,
        str("deterministic: true cuts each global batch into ", shards, " shards, which ", ranks,
            " ranks can't share equally"),
        "resources: {ranks: N} with N = 1, 2, 4 or another power of two, at most deterministic_shards");
  }
  const auto rank = static_cast<unsigned>(group.rank());
  for (unsigned level = 0; 1U << level < ranks; ++level) {
    // Partners differ in this bit of their rank alone; both hold the sum of what lies below.
    const unsigned below = rank & ((1U << level) - 1), above = rank >> (level + 1);
    pairs_.push_back(group.split(static_cast<int>(above << level | below)));
  }
}

// Like counting in binary: a full pair of nodes becomes one node of the level above.
void ShardTree::add() {
  std::size_t level = 0;
  for (std::int64_t before = added_; before & 1; before >>= 1) buffer_.add_(nodes_[level++]);
  if (++added_ == per_rank_) return;
  if (nodes_.size() == level) nodes_.push_back(at::empty_like(buffer_));
  nodes_[level].copy_(buffer_);
  buffer_.zero_();
}

void ShardTree::finish() {
  const DType type = element_type({"gradients", buffer_});
  // The sum of two numbers is the same bits in either order: between two ranks any algorithm gives the tree's.
  for (const auto& pair : pairs_)
    pair->all_reduce(buffer_.data_ptr(), static_cast<std::size_t>(buffer_.numel()), type, ReduceOp::sum);
  added_ = 0;
}

void ShardTree::close() {
  for (const auto& pair : pairs_) pair->close();
}

std::string ShardTree::description() const {
  return str("in a fixed tree over ", shards_, " shards of each global batch, ", per_rank_, " a rank");
}

}  // namespace rankflow
