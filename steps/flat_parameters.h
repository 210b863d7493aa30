// All parameters of a model in one buffer, all gradients in another: one collective reduces them, one fused
// kernel updates them. The model's tensors are views.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <functional>
#include <string>
#include <vector>

#include "base/partition.h"
#include "steps/tensors.h"

namespace rankflow {

/// Where one parameter lies in the flat buffers.
struct ParameterSlot {
  std::string name;
  at::Tensor parameter;
  std::int64_t offset;  // of its first element; slots are in ascending order
  std::vector<std::int64_t> shape, strides;
};

class FlatParameters {
 public:
  /// Moves the parameters that are trained (requires_grad; all f32 or all f64) into the flat buffer and gives
  /// each a gradient that is a view too: backward adds into it, zeroing is one call. Those for which `apart` is
  /// true come after the others. `extra` elements precede the gradients, for values that are reduced along
  /// with them. Throws Error (configuration) where there is nothing to train.
  FlatParameters(torch::nn::Module& model, std::int64_t extra,
                 const std::function<bool(const std::string& name, const at::Tensor&)>& apart);

  /// From now on the buffers are these: `values` [n], which gets what the buffer holds unless somebody else writes it there,
  /// and `reduced` [extra and n].
  void move_to(const at::Tensor& values, bool written_by_others, const at::Tensor& reduced);

  /// [n]; n counts the padding that aligns each parameter to 64 bytes. Padding is zero and stays zero.
  const at::Tensor& values() const { return values_; }
  /// [n].
  const at::Tensor& gradients() const { return gradients_; }
  /// What is reduced along, padded, and then the gradients.
  const at::Tensor& reduced() const { return reduced_; }
  double extra(std::int64_t i) const;
  void set_extra(std::int64_t i, double value);
  /// Adds a scalar on the parameters' device, of any type.
  void add_extra(std::int64_t i, const at::Tensor& value);
  /// On a GPU: queues the copy to the host that extra() reads once the device is synchronised; without it extra() waits for one.
  void fetch_extras();
  /// Makes reduced() zero.
  void zero();

  /// Where the gradient of a slot, with its padding, and what is reduced along lie in reduced().
  Range in_reduced(std::size_t slot) const;
  Range extra_in_reduced() const { return {0, gradients_.storage_offset()}; }
  /// Elements of the parameters that are not apart, and of those that are.
  Range together() const { return {0, apart_begin_}; }
  Range apart() const { return {apart_begin_, values_.numel()}; }
  const std::vector<ParameterSlot>& slots() const { return slots_; }

  /// The pieces of a flat [n] tensor (values, an optimizer's state) that belong to each parameter, under
  /// prefix + the parameter's name.
  std::vector<NamedTensor> named(const at::Tensor& flat, const std::string& prefix) const;

 private:
  void give_views();
  static at::Tensor view(const at::Tensor& flat, const ParameterSlot& slot);

  std::vector<ParameterSlot> slots_;
  at::Tensor values_, gradients_, reduced_;
  mutable at::Tensor fetched_;  // on a GPU: what is reduced along, in page-locked memory of the host
  mutable bool is_fetched_ = false;
  std::int64_t apart_begin_ = 0;
};

}  // namespace rankflow
