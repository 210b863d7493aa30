// Features beside an embedding of each category, then fully connected layers (after Guo and Berkhahn 2016).
#include <torch/torch.h>

#include <algorithm>

#include "base/text.h"
#include "steps/layers.h"
#include "steps/model.h"

namespace rankflow {
namespace {

constexpr double initial_deviation = 0.05;  // of embeddings: small beside scaled features

std::int64_t embedding_size(const Json& chosen, std::int64_t codes) {
  return chosen == "auto" ? std::min<std::int64_t>(50, (codes + 1) / 2) : chosen.get<std::int64_t>();
}

class TabularModel : public Model {
 public:
  TabularModel(const Json& spec, const ModelInput& input) {
    refuse_column("tabular", "images", !input.image.empty(), input);
    require_column("tabular", "features", input.features > 0 || !input.vocabularies.empty(), input);
    std::int64_t width = input.features;
    for (std::size_t i = 0; i < input.vocabularies.size(); ++i) {
      const std::int64_t codes = input.vocabularies[i];
      const std::int64_t size = embedding_size(spec.at("embedding"), codes);
      embeddings_.push_back(register_module(str("embeddings_", i), torch::nn::Embedding(codes, size)));
      torch::NoGradGuard no_grad;
      embeddings_.back()->weight.normal_(0, initial_deviation);
      embeddings_.back()->weight[0].zero_();  // a code never seen in training says nothing
      width += size;
    }
    layers_ = register_module("layers",
                              fully_connected(width, spec.at("hidden"), input.outputs, spec.at("dropout")));
  }

  at::Tensor forward(const Batch& batch) override {
    std::vector<at::Tensor> columns;
    if (batch.features.defined()) columns.push_back(batch.features);
    for (std::size_t i = 0; i < embeddings_.size(); ++i) {
      columns.push_back(embeddings_[i](batch.categories.select(1, static_cast<std::int64_t>(i))));
    }
    return layers_->forward(columns.size() == 1 ? columns[0] : torch::cat(columns, 1));
  }

 private:
  std::vector<torch::nn::Embedding> embeddings_;
  torch::nn::Sequential layers_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_tabular_model(const Json& spec, const ModelInput& input) {
  return std::make_shared<TabularModel>(spec, input);
}

}  // namespace rankflow
