// Logistic (softmax) or linear regression. A categorical column adds one weight per code and output: what
// one-hot columns would give, without making them.
#include <torch/torch.h>

#include "base/text.h"
#include "steps/model.h"

namespace rankflow {
namespace {

class LinearModel : public Model {
 public:
  explicit LinearModel(const ModelInput& input) {
    std::int64_t width = input.features;
    if (!input.image.empty()) width += input.image[0] * input.image[1] * input.image[2];
    if (width == 0) require_column("linear", "features", !input.vocabularies.empty(), input);
    if (width > 0) linear_ = register_module("linear", torch::nn::Linear(width, input.outputs));
    for (std::size_t i = 0; i < input.vocabularies.size(); ++i) {
      categories_.push_back(
          register_module(str("categories_", i), torch::nn::Embedding(input.vocabularies[i], input.outputs)));
      torch::nn::init::zeros_(categories_.back()->weight);
    }
    if (width == 0) bias_ = register_parameter("bias", torch::zeros({input.outputs}));
  }

  at::Tensor forward(const Batch& batch) override {
    std::vector<at::Tensor> columns;
    if (batch.features.defined()) columns.push_back(batch.features);
    if (batch.images.defined()) columns.push_back(batch.images.flatten(1));
    at::Tensor sum = columns.empty() ? bias_.unsqueeze(0)
                                     : linear_(columns.size() == 1 ? columns[0] : torch::cat(columns, 1));
    for (std::size_t i = 0; i < categories_.size(); ++i) {
      sum = sum + categories_[i](batch.categories.select(1, static_cast<std::int64_t>(i)));
    }
    return sum;
  }

 private:
  torch::nn::Linear linear_{nullptr};
  at::Tensor bias_;
  std::vector<torch::nn::Embedding> categories_;
};

}  // namespace

std::shared_ptr<Model> make_linear_model(const Json&, const ModelInput& input) {
  return std::make_shared<LinearModel>(input);
}

}  // namespace rankflow
