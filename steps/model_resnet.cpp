// Residual networks of basic blocks with batch normalisation (He et al. 2016, "Deep Residual Learning for Image
// Recognition"): sections 3.3 (large stem, blocks 2-2-2-2 and 3-4-6-3) and 4.2 (small stem). Names of weights are
// those of torchvision's resnet18 and resnet34.
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "steps/model.h"

namespace rankflow {
namespace {

namespace nn = torch::nn;

constexpr std::int64_t large_image = 96;  // height or width from which a stem that halves twice costs little

nn::Conv2d convolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t stride) {
  nn::Conv2d layer(nn::Conv2dOptions(in, out, kernel).stride(stride).padding(kernel / 2).bias(false));
  nn::init::kaiming_normal_(layer->weight, 0, torch::kFanOut, torch::kReLU);
  return layer;
}

class BasicBlock : public nn::Module {
 public:
  BasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride) {
    conv1_ = register_module("conv1", convolution(in, out, 3, stride));
    bn1_ = register_module("bn1", nn::BatchNorm2d(out));
    conv2_ = register_module("conv2", convolution(out, out, 3, 1));
    bn2_ = register_module("bn2", nn::BatchNorm2d(out));
    if (stride != 1 || in != out)
      downsample_ = register_module("downsample",
                                    nn::Sequential(convolution(in, out, 1, stride), nn::BatchNorm2d(out)));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = bn2_(conv2_(bn1_(conv1_(x)).relu_()));
    return (y + (downsample_ ? downsample_->forward(x) : x)).relu_();
  }

 private:
  nn::Conv2d conv1_{nullptr}, conv2_{nullptr};
  nn::BatchNorm2d bn1_{nullptr}, bn2_{nullptr};
  nn::Sequential downsample_{nullptr};
};

class ResnetModel : public Model {
 public:
  ResnetModel(const Json& spec, const ModelInput& input) {
    require_column("resnet", "images", !input.image.empty(), input);
    refuse_column("resnet", "features", input.features > 0, input);
    refuse_column("resnet", "categories", !input.vocabularies.empty(), input);
    const auto blocks = spec.at("blocks").get<std::vector<std::int64_t>>();
    const std::int64_t smaller = std::min(input.image[1], input.image[2]);
    large_ = spec.at("stem") == "large" || (spec.at("stem") == "auto" && smaller >= large_image);
    if (const std::int64_t halvings = static_cast<std::int64_t>(blocks.size()) - 1 + (large_ ? 2 : 0);
        halvings >= 32 || smaller >> halvings < 1) {
      throw Error(ExitStatus::configuration,
                  str("model resnet: ", blocks.size(), " stages halve images of ", input.image[1], "x",
                      input.image[2], " to nothing"),
                  "fewer entries in blocks, or stem: small");
    }
    std::int64_t channels = spec.at("channels");
    conv1_ = register_module("conv1", convolution(input.image[0], channels, large_ ? 7 : 3, large_ ? 2 : 1));
    bn1_ = register_module("bn1", nn::BatchNorm2d(channels));
    std::int64_t in = channels;
    for (std::size_t stage = 0; stage < blocks.size(); ++stage) {
      nn::Sequential layer;
      for (std::int64_t b = 0; b < blocks[stage]; ++b) {
        layer->push_back(BasicBlock(in, channels, stage > 0 && b == 0 ? 2 : 1));
        in = channels;
      }
      stages_.push_back(register_module(str("layer", stage + 1), layer));
      channels *= 2;
    }
    fc_ = register_module("fc", nn::Linear(in, input.outputs));
  }

  at::Tensor forward(const Batch& batch) override {
    at::Tensor x = bn1_(conv1_(batch.images)).relu_();
    if (large_) x = at::max_pool2d(x, 3, 2, 1);
    for (auto& stage : stages_) x = stage->forward(x);
    return fc_(x.mean({2, 3}));
  }

 private:
  bool large_;
  nn::Conv2d conv1_{nullptr};
  nn::BatchNorm2d bn1_{nullptr};
  std::vector<nn::Sequential> stages_;
  nn::Linear fc_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_resnet_model(const Json& spec, const ModelInput& input) {
  return std::make_shared<ResnetModel>(spec, input);
}

}  // namespace rankflow
