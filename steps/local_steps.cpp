#include "steps/local_steps.h"

#include <torch/torch.h>

namespace rankflow {
namespace {

/// The paper's: SGD with Nesterov's momentum.
Json outer_optimizer(const Json& spec) {
  const double momentum = spec.at("outer_momentum");
  return {{"type", "sgd"}, {"momentum", momentum}, {"nesterov", momentum > 0}, {"weight_decay", 0.0}};
}

}  // namespace

LocalSteps::LocalSteps(Communicator& comm, const Json& spec, const FlatParameters& parameters,
                       const Optimizer& inner)
    : comm_(comm),
      parameters_(parameters),
      inner_(inner),
      batches_(spec.at("batches")),
      learning_rate_(spec.at("outer_learning_rate")),
      agreed_(parameters.values().detach().clone()),
      outer_(make_optimizer(outer_optimizer(spec), agreed_, parameters.gradients(),
                            {{Range{0, agreed_.numel()}, false}})) {}

void LocalSteps::begin() {
  torch::NoGradGuard no_grad;
  agreed_.copy_(parameters_.values());
}

void LocalSteps::leave_way() const {
  torch::NoGradGuard no_grad;
  at::Tensor gradients = parameters_.gradients();
  at::sub_out(gradients, agreed_, parameters_.values());
}

void LocalSteps::step() {
  torch::NoGradGuard no_grad;
  at::Tensor gradients = parameters_.gradients(), values = parameters_.values();
  gradients.div_(comm_.size());
  outer_->step(learning_rate_);
  values.copy_(agreed_);
  for (const NamedTensor& t : inner_.state()) {
    comm_.all_reduce(t.tensor.data_ptr(), static_cast<std::size_t>(t.tensor.numel()), element_type(t),
                     ReduceOp::mean);
  }
}

std::vector<NamedTensor> LocalSteps::state() const {
  return outer_->state();
}

}  // namespace rankflow
