// Says which parameters' gradients are final while backward still computes others.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace rankflow {

class BackwardHooks {
 public:
  /// Calls `ready(i)` in every backward pass that reaches `parameters[i]`, once, when all that the pass adds to
  /// its gradient has been added: a parameter that is used several times is final after the last of its uses.
  /// On the thread that ran backward, or autograd's thread of the parameter's device. What `ready` throws comes
  /// out of backward. Throws Error (internal) for a parameter that is no leaf or is not trained.
  ///
  /// Hooks sit on the accumulators of gradients, as those of PyTorch's DistributedDataParallel do
  /// (torch/csrc/distributed/c10d/reducer.cpp): hooks on tensors run before the gradient is added.
  BackwardHooks(std::span<const at::Tensor> parameters, std::function<void(std::size_t)> ready);
  /// Removes the hooks.
  ~BackwardHooks();
  BackwardHooks(const BackwardHooks&) = delete;
  BackwardHooks& operator=(const BackwardHooks&) = delete;

 private:
  struct Hook;
  std::vector<Hook> hooks_;
};

}  // namespace rankflow
