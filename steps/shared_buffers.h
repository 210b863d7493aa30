// Buffers that a training step changes (running means and variances of batch normalisation, counters), kept the
// same on all ranks: each rank's layers see its own rows alone.
#pragma once

#include <torch/nn/module.h>

#include <vector>

#include "collectives/communicator.h"

namespace rankflow {

class SharedBuffers {
 public:
  /// Keeps references. Costs nothing on one rank, and for models without buffers.
  SharedBuffers(const torch::nn::Module& model, Communicator& comm);

  /// Takes the buffers as they are for what the ranks agree on: once they hold what training starts from.
  void begin();
  /// After a training step: each buffer becomes its value before the step plus the mean over all ranks of how it
  /// changed, weighted by `share`, this rank's rows / rows of the global batch. For running statistics that is
  /// their mean over the ranks; a counter counts one. Buffers that no rank changed keep their bits. Collective;
  /// the same bits on all ranks.
  void after_step(double share);

 private:
  at::Tensor gathered() const;

  Communicator& comm_;
  std::vector<at::Tensor> buffers_;  // of numbers
  at::Tensor agreed_;                // f64 [elements of all buffers]
};

}  // namespace rankflow
