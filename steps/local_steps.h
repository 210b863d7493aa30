// DiLoCo (Douillard et al. 2023, arXiv:2311.08105, algorithm 1), for networks that are slow beside the model: each rank takes
// steps of its own on its share of the global batches, and after a round of them the way that the ranks went on average is
// one gradient for an outer optimizer. With an outer learning rate of 1 and no momentum: local SGD (McMahan et al.
// 2017, arXiv:1602.05629), the mean of the ranks' weights.
//
// Unlike in the paper, a round ends with the mean of the inner optimizers' states too: all ranks then hold the same, so that
// one file is a checkpoint for all of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "steps/flat_parameters.h"
#include "steps/optimizer.h"

namespace rankflow {

class LocalSteps {
 public:
  /// `spec`: the key `local_steps:`, validated. Keeps references; `inner` updates all of the parameters.
  LocalSteps(Communicator& comm, const Json& spec, const FlatParameters& parameters, const Optimizer& inner);

  /// Takes the values as they are for what the ranks agree on: once they hold what training starts from.
  void begin();
  /// Whether a round ends after the first `done` of an epoch's `batches`: at the end of the epoch always.
  bool round_ends(std::int64_t done, std::int64_t batches) const {
    return done % batches_ == 0 || done == batches;
  }
  /// Makes the gradients how far this rank went from what was agreed on, for a sum over the ranks.
  void leave_way() const;
  /// With that sum: the values become what the outer optimizer makes of it, the inner optimizer's state the mean over the
  /// ranks; the same bits on each. Collective.
  void step();
  /// Flat [n] tensors that checkpoints hold beside the inner optimizer's.
  std::vector<NamedTensor> state() const;

 private:
  Communicator& comm_;
  const FlatParameters& parameters_;
  const Optimizer& inner_;
  std::int64_t batches_;
  double learning_rate_;
  at::Tensor agreed_;  // [n]
  std::unique_ptr<Optimizer> outer_;
};

}  // namespace rankflow
