// Buffers that a training step changes (running means and variances of batch normalisation, counters), kept the
// same on all ranks: each rank's layers see its own rows alone.
#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "collectives/communicator.h"
#include "steps/shard_tree.h"

namespace rankflow {

class SharedBuffers {
 public:
  /// Keeps references. Costs nothing on one rank, and for models without buffers. `virtual_shards`: of deterministic trainings
  /// (ShardTree), otherwise 0.
  SharedBuffers(const torch::nn::Module& model, Communicator& comm, std::int64_t virtual_shards = 0);

  /// Takes the buffers as they are for what the ranks agree on: once they hold what training starts from. Collective.
  void begin();
  /// After each virtual shard: remembers how it changed the buffers, weighted by `share`, its rows / rows of the global
  /// batch, and undoes it, so that every shard starts from the same. Nothing without virtual shards.
  void after_shard(double share);
  /// After a training step: each buffer becomes its value before the step plus the mean over all ranks of how it
  /// changed, weighted by `share`, this rank's rows / rows of the global batch. For running statistics that is
  /// their mean over the ranks; a counter counts one. Buffers that no rank changed keep their bits. Collective;
  /// the same bits on all ranks.
  void after_step(double share);
  /// Collective.
  void close();

 private:
  at::Tensor gathered() const;
  void write_agreed();

  Communicator& comm_;
  std::vector<at::Tensor> buffers_;  // of numbers
  at::Tensor agreed_;                // f64 [elements of all buffers]
  at::Tensor change_;                // f64, alike: of one shard, then summed over all
  std::int64_t virtual_shards_;
  std::optional<ShardTree> tree_;
};

}  // namespace rankflow
