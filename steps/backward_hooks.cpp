#include "steps/backward_hooks.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <cstdint>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

class ReadyHook : public torch::autograd::FunctionPostHook {
 public:
  ReadyHook(std::shared_ptr<const std::function<void(std::size_t)>> ready, std::size_t index)
      : ready_(std::move(ready)), index_(index) {}

  torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                            const torch::autograd::variable_list&) override {
    (*ready_)(index_);
    return outputs;
  }

 private:
  std::shared_ptr<const std::function<void(std::size_t)>> ready_;
  std::size_t index_;
};

}  // namespace

struct BackwardHooks::Hook {
  // A shared_ptr or an intrusive_ptr, by LibTorch's version. Autograd itself holds accumulators weakly only.
  decltype(torch::autograd::impl::grad_accumulator(std::declval<const at::Tensor&>())) accumulator;
  std::uintptr_t key;
};

BackwardHooks::BackwardHooks(std::span<const at::Tensor> parameters, std::function<void(std::size_t)> ready) {
  const auto shared = std::make_shared<const std::function<void(std::size_t)>>(std::move(ready));
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i].is_leaf() || !parameters[i].requires_grad())
      throw Error(ExitStatus::internal, str("parameter ", i, " is not one that gradients are collected for"));
    auto accumulator = torch::autograd::impl::grad_accumulator(parameters[i]);
    const auto key = accumulator->add_post_hook(std::make_unique<ReadyHook>(shared, i));
    hooks_.push_back({std::move(accumulator), key});
  }
}

BackwardHooks::~BackwardHooks() {
  for (const Hook& hook : hooks_) hook.accumulator->del_post_hook(hook.key);
}

}  // namespace rankflow
