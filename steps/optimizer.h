// What turns gradients into new parameters: one fused kernel over the flat buffers.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/tensors.h"

namespace rankflow {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Updates `values` in place; both f32 [n].
  virtual void step(at::Tensor& values, const at::Tensor& gradients) = 0;
  /// Flat f32 [n] tensors that go on with the parameters (momentum, …): part of every checkpoint.
  virtual std::vector<NamedTensor> state() const = 0;
  /// Scalars that do.
  virtual std::vector<NamedTensor> scalars() const { return {}; }
};

/// `spec`: the key `optimizer:`, validated; n: elements of the flat buffers.
/// sgd as torch.optim.SGD, adamw as torch.optim.AdamW (Loshchilov and Hutter 2019).
std::unique_ptr<Optimizer> make_optimizer(const Json& spec, std::int64_t n);

}  // namespace rankflow
