// In which number formats a model is trained.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <optional>
#include <string>

namespace rankflow {

/// bfloat16 and float16: the forward pass of layers that gain from it (products, convolutions), as torch.autocast
/// chooses; weights, gradients and the loss stay float32. float16 holds no gradient below 6e-8, so that the loss is
/// scaled (steps/loss_scale.h).
enum class Precision { float32, float64, bfloat16, float16 };

/// Of the key `precision:`, validated.
Precision precision_of(const std::string& name);
const char* name(Precision precision);
/// That products and convolutions are computed in where it differs from the weights'.
std::optional<at::ScalarType> autocast_type(Precision precision);
/// Of weights, gradients and inputs.
at::ScalarType weights_type(Precision precision);

/// Converts parameters and buffers of floating-point types in place; others stay.
void convert_floating(torch::nn::Module& model, at::ScalarType type);

/// While it lives, this thread's operations on a type of device follow torch.autocast's lists with a 16-bit type.
class Autocast {
 public:
  Autocast(at::DeviceType device, at::ScalarType type);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_;
  bool enabled_before_;
  at::ScalarType type_before_;
};

}  // namespace rankflow
