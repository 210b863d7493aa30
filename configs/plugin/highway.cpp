// A model of your own: a highway network (Srivastava et al. 2015), whose layers learn how much of their input to let
// through unchanged.
#include <torch/torch.h>

#include <stdexcept>

#include "steps/model_plugin.h"

namespace {

class Highway : public rankflow::Model {
 public:
  Highway(const rankflow::Json& options, const rankflow::ModelInput& input) {
    if (input.features == 0 || !input.image.empty() || !input.vocabularies.empty())
      throw std::invalid_argument("it takes numeric features; the dataset has " + input.columns);
    const std::int64_t width = options.value("width", 64), depth = options.value("depth", 3);
    if (width < 1 || depth < 1) throw std::invalid_argument("width and depth have to be at least 1");
    entry_ = register_module("entry", torch::nn::Linear(input.features, width));
    for (std::int64_t i = 0; i < depth; ++i) {
      transforms_->push_back(torch::nn::Linear(width, width));
      gates_->push_back(torch::nn::Linear(width, width));
      torch::nn::init::constant_(gates_[i]->as<torch::nn::Linear>()->bias,
                                 -1);  // carry on first, learn later
    }
    register_module("transforms", transforms_);
    register_module("gates", gates_);
    exit_ = register_module("exit", torch::nn::Linear(width, input.outputs));
  }

  at::Tensor forward(const rankflow::Batch& batch) override {
    at::Tensor x = entry_(batch.features);
    for (std::size_t i = 0; i < transforms_->size(); ++i) {
      const at::Tensor gate = gates_[i]->as<torch::nn::Linear>()->forward(x).sigmoid();
      x = x + gate * (transforms_[i]->as<torch::nn::Linear>()->forward(x).relu() - x);
    }
    return exit_(x);
  }

 private:
  torch::nn::Linear entry_{nullptr}, exit_{nullptr};
  torch::nn::ModuleList transforms_, gates_;
};

}  // namespace

extern "C" const char* rankflow_plugin_interface() {
  return rankflow::plugin_interface;
}

extern "C" void rankflow_plugin_models(rankflow::PluginModels& models) {
  models.add("highway", [](const rankflow::Json& options, const rankflow::ModelInput& input) {
    return std::make_shared<Highway>(options, input);
  });
}
