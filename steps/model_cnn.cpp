// Blocks of 3x3 convolution, 2x2 max-pooling and ReLU, then a fully connected hidden layer (after LeCun et al. 1998).
// ReLU after pooling gives the same numbers as before it, outputs and gradients, from a quarter of the elements.
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "steps/layers.h"
#include "steps/max_pool_relu.h"
#include "steps/model.h"

namespace rankflow {
namespace {

class CnnModel : public Model {
 public:
  CnnModel(const Json& spec, const ModelInput& input) {
    require_column("cnn", "images", !input.image.empty(), input);
    refuse_column("cnn", "features", input.features > 0, input);
    refuse_column("cnn", "categories", !input.vocabularies.empty(), input);
    std::int64_t channels = input.image[0], height = input.image[1], width = input.image[2];
    torch::nn::Sequential blocks;
    int layer = 0;
    for (const std::int64_t out : spec.at("channels").get<std::vector<std::int64_t>>()) {
      if (height < 2 || width < 2) {
        throw Error(ExitStatus::configuration,
                    str("model cnn: ", spec.at("channels").size(), " blocks halve images of ", input.image[1],
                        "x", input.image[2], " to nothing"),
                    "fewer entries in channels");
      }
      // The names that a convolution, a pooling and a ReLU in a row have in PyTorch.
      blocks->push_back(str(layer), torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, out, 3).padding(1)));
      blocks->push_back(str(layer + 1), MaxPoolRelu());
      layer += 3;
      channels = out, height /= 2, width /= 2;
    }
    blocks_ = register_module("blocks", blocks);
    layers_ = register_module(
        "layers", fully_connected(channels * height * width, {spec.at("hidden").get<std::int64_t>()},
                                  input.outputs, spec.at("dropout")));
  }

  at::Tensor forward(const Batch& batch) override {
    return layers_->forward(blocks_->forward(batch.images).flatten(1));
  }

 private:
  torch::nn::Sequential blocks_{nullptr};
  torch::nn::Sequential layers_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_cnn_model(const Json& spec, const ModelInput& input) {
  return std::make_shared<CnnModel>(spec, input);
}

}  // namespace rankflow
