// All parameters of a model in one buffer, all gradients in another: one collective reduces them, one fused
// kernel updates them. The model's tensors are views.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <string>
#include <vector>

#include "steps/tensors.h"

namespace rankflow {

class FlatParameters {
 public:
  /// Moves the parameters (f32) into the flat buffer and gives each a gradient that is a view too: backward
  /// adds into it, zeroing is one call. `extra` elements follow the gradients, for values that are reduced
  /// along with them.
  FlatParameters(torch::nn::Module& model, std::int64_t extra);

  /// f32 [n]; n counts the padding that aligns each parameter to 64 bytes. Padding is zero and stays zero.
  at::Tensor& values() { return values_; }
  /// f32 [n].
  const at::Tensor& gradients() const { return gradients_; }
  /// f32 [n + extra]: gradients and what follows them.
  at::Tensor& reduced() { return reduced_; }
  /// f32 [extra].
  const at::Tensor& extra() const { return extra_; }

  /// The pieces of a flat f32 [n] tensor (values, an optimizer's state) that belong to each parameter, under
  /// prefix + the parameter's name.
  std::vector<NamedTensor> named(const at::Tensor& flat, const std::string& prefix) const;

 private:
  struct Slot {
    std::string name;
    std::int64_t offset;
    std::vector<std::int64_t> shape, strides;
  };
  at::Tensor view(const at::Tensor& flat, const Slot& slot) const;

  std::vector<Slot> slots_;
  at::Tensor values_, gradients_, reduced_, extra_;
};

}  // namespace rankflow
