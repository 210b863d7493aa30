// Fully connected layers with ReLU, on features or on images as one long row.
#include <torch/torch.h>

#include "steps/layers.h"
#include "steps/model.h"

namespace rankflow {
namespace {

class MlpModel : public Model {
 public:
  MlpModel(const Json& spec, const ModelInput& input) {
    const bool images = !input.image.empty();
    refuse_column("mlp", "categories", !input.vocabularies.empty(), input);
    require_column("mlp", "features", images || input.features > 0, input);
    const std::int64_t pixels = images ? input.image[0] * input.image[1] * input.image[2] : 0;
    layers_ = register_module("layers", fully_connected(input.features + pixels, spec.at("hidden"),
                                                        input.outputs, spec.at("dropout")));
  }

  at::Tensor forward(const Batch& batch) override {
    if (!batch.images.defined()) return layers_->forward(batch.features);
    const at::Tensor pixels = batch.images.flatten(1);
    return layers_->forward(batch.features.defined() ? torch::cat({batch.features, pixels}, 1) : pixels);
  }

 private:
  torch::nn::Sequential layers_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_mlp_model(const Json& spec, const ModelInput& input) {
  return std::make_shared<MlpModel>(spec, input);
}

}  // namespace rankflow
