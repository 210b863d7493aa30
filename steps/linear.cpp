#include "steps/linear.h"

#include <ATen/autocast_mode.h>
#include <torch/torch.h>

namespace rankflow {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct LinearIntoGradients : torch::autograd::Function<LinearIntoGradients> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& weight,
                            const at::Tensor& bias) {
    context->save_for_backward({input, weight, bias});
    return at::linear(input, weight, bias);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1], &bias = saved[2], &gradient = gradients[0];
    const at::AutoGradMode no_grad(false);
    at::Tensor weight_gradient = weight.grad(), bias_gradient = bias.grad();
    weight_gradient.addmm_(gradient.t(), input);
    bias_gradient.add_(gradient.sum(0));
    // Nothing is left to add; what waits for these gradients is told all the same.
    return {context->needs_input_grad(0) ? gradient.mm(weight) : at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

bool has_place_for_gradient(const at::Tensor& parameter) {
  return parameter.defined() && parameter.requires_grad() && parameter.is_leaf() &&
         parameter.grad().defined();
}

}  // namespace

at::Tensor LinearImpl::forward(const at::Tensor& input) {
  const bool plain = at::GradMode::is_enabled() && input.dim() == 2 && has_place_for_gradient(weight) &&
                     has_place_for_gradient(bias) &&
                     !at::autocast::is_autocast_enabled(input.device().type());
  return plain ? LinearIntoGradients::apply(input, weight, bias) : torch::nn::LinearImpl::forward(input);
}

}  // namespace rankflow
