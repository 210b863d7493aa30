// A fully connected layer whose backward pass adds the weights' gradient where it belongs.
#pragma once

#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

namespace rankflow {

/// torch::nn::Linear, to the bit and under the same names, but for this: where the weights' gradients are there
/// already (FlatParameters gives each its place), the matrix product of the backward pass adds to them itself.
/// Autograd would put it into new memory and add that, which moves every gradient three times more.
class LinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;
  at::Tensor forward(const at::Tensor& input);
};

TORCH_MODULE(Linear);

}  // namespace rankflow
