// What turns gradients into new parameters: fused kernels over the flat buffers.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "base/partition.h"
#include "io/json.h"
#include "steps/tensors.h"

namespace rankflow {

/// Elements of the flat buffers, and whether weight decay acts on them.
struct DecayGroup {
  Range elements;
  bool decayed = true;
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Updates the values in place from the gradients.
  virtual void step(double learning_rate) = 0;
  /// Flat [n] tensors that go on with the parameters (momentum, …): part of every checkpoint.
  virtual std::vector<NamedTensor> state() const = 0;
  /// Scalars that do.
  virtual std::vector<NamedTensor> scalars() const { return {}; }
};

/// `spec`: the key `optimizer:`, validated. `values` and `gradients`: f32 or f64 [n], kept; `groups` cover
/// them. sgd as torch.optim.SGD, adam as torch.optim.Adam (Kingma and Ba 2015), adamw as torch.optim.AdamW
/// (Loshchilov and Hutter 2019).
std::unique_ptr<Optimizer> make_optimizer(const Json& spec, const at::Tensor& values,
                                          const at::Tensor& gradients, const std::vector<DecayGroup>& groups);

/// Whether weight decay leaves a parameter alone by the optimizer's key `weight_decay_excludes`: "bias" (the
/// last part of the name), "norm" (vectors that are no biases: scales of normalisation layers), or a glob
/// over the name.
bool excluded_from_decay(const Json& optimizer, const std::string& name, const at::Tensor& parameter);

}  // namespace rankflow
