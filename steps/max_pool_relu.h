// 2x2 max-pooling followed by ReLU in one pass over the images: what takes small convolutional networks on the CPU most time
// beside the convolutions themselves.
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>

namespace rankflow {

/// relu(max_pool2d(images, 2)) of real [rows, channels, height, width] → [rows, channels, height / 2, width / 2], outputs and
/// gradients to the bit. An odd last row or column is left out, the first of equal values counts, and NaN stays NaN, as in
/// PyTorch. Images on the CPU whose channels lie last, in float, double or bfloat16, take one pass with a byte per output
/// for the way back, where PyTorch's operations have an int64 and clear the gradient before they write a quarter of it; all
/// others take PyTorch's own operations.
at::Tensor max_pool_relu(const at::Tensor& images);

/// max_pool_relu() as a layer; no parameters.
class MaxPoolReluImpl : public torch::nn::Module {
 public:
  at::Tensor forward(const at::Tensor& images) { return max_pool_relu(images); }
};

TORCH_MODULE(MaxPoolRelu);

}  // namespace rankflow
