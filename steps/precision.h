// In which number formats a model is trained.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <optional>
#include <string>

namespace rankflow {

/// bfloat16: the forward pass of layers that gain from it (products, convolutions), as torch.autocast
/// chooses; weights, gradients and the loss stay float32.
enum class Precision { float32, float64, bfloat16 };

/// Of the key `precision:`, validated.
Precision precision_of(const std::string& name);
const char* name(Precision precision);
/// Of weights, gradients and inputs.
at::ScalarType weights_type(Precision precision);

/// Converts parameters and buffers of floating-point types in place; others stay.
void convert_floating(torch::nn::Module& model, at::ScalarType type);

/// While it lives, this thread's operations on the CPU follow torch.autocast's lists with bfloat16.
class Autocast {
 public:
  Autocast();
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool enabled_before_;
  at::ScalarType type_before_;
};

}  // namespace rankflow
