// A transformer encoder (Vaswani et al. 2017) with normalisation first, over a class token and one token for each
// patch of an image (Dosovitskiy et al. 2021, "An Image is Worth 16x16 Words") and each feature and category
// (Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data"). Names of weights within a layer are
// those of torch.nn.TransformerEncoderLayer.
#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "steps/model.h"

namespace rankflow {
namespace {

namespace nn = torch::nn;

constexpr double initial_deviation = 0.02;  // of tokens and positions, as in Dosovitskiy et al.

at::Tensor small_values(at::IntArrayRef shape) {
  return torch::randn(shape) * initial_deviation;
}

class SelfAttention : public nn::Module {
 public:
  SelfAttention(std::int64_t width, std::int64_t heads, double dropout) : heads_(heads), dropout_(dropout) {
    in_proj_weight_ = register_parameter("in_proj_weight", torch::empty({3 * width, width}));
    in_proj_bias_ = register_parameter("in_proj_bias", torch::zeros({3 * width}));
    nn::init::xavier_uniform_(in_proj_weight_);
    out_proj_ = register_module("out_proj", nn::Linear(width, width));
    nn::init::zeros_(out_proj_->bias);
  }

  /// [rows, tokens, width].
  at::Tensor forward(const at::Tensor& x) {
    const std::int64_t rows = x.size(0), tokens = x.size(1), width = x.size(2);
    const auto parts = at::linear(x, in_proj_weight_, in_proj_bias_)
                           .view({rows, tokens, 3, heads_, width / heads_})
                           .permute({2, 0, 3, 1, 4})
                           .unbind();
    const auto y =
        at::scaled_dot_product_attention(parts[0], parts[1], parts[2], {}, is_training() ? dropout_ : 0);
    return out_proj_(y.transpose(1, 2).reshape({rows, tokens, width}));
  }

 private:
  std::int64_t heads_;
  double dropout_;
  at::Tensor in_proj_weight_, in_proj_bias_;
  nn::Linear out_proj_{nullptr};
};

class EncoderLayer : public nn::Module {
 public:
  EncoderLayer(std::int64_t width, std::int64_t heads, std::int64_t feed_forward, double dropout) {
    self_attn_ = register_module("self_attn", std::make_shared<SelfAttention>(width, heads, dropout));
    linear1_ = register_module("linear1", nn::Linear(width, feed_forward));
    linear2_ = register_module("linear2", nn::Linear(feed_forward, width));
    norm1_ = register_module("norm1", nn::LayerNorm(nn::LayerNormOptions({width})));
    norm2_ = register_module("norm2", nn::LayerNorm(nn::LayerNormOptions({width})));
    dropout_ = register_module("dropout", nn::Dropout(dropout));
  }

  at::Tensor forward(const at::Tensor& x) {
    const at::Tensor y = x + dropout_(self_attn_->forward(norm1_(x)));
    return y + dropout_(linear2_(dropout_(at::gelu(linear1_(norm2_(y))))));
  }

 private:
  std::shared_ptr<SelfAttention> self_attn_;
  nn::Linear linear1_{nullptr}, linear2_{nullptr};
  nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  nn::Dropout dropout_{nullptr};
};

class TransformerModel : public Model {
 public:
  TransformerModel(const Json& spec, const ModelInput& input)
      : patch_(spec.at("patch")), width_(spec.at("width")) {
    const std::int64_t heads = spec.at("heads");
    if (width_ % heads != 0) {
      throw Error(ExitStatus::configuration,
                  str("model transformer: width ", width_, " is no multiple of ", heads, " heads"),
                  "a width that the number of heads divides");
    }
    const bool any = !input.image.empty() || input.features > 0 || !input.vocabularies.empty();
    require_column("transformer", "features", any, input);
    token_ = register_parameter("class_token", small_values({1, 1, width_}));
    if (!input.image.empty()) add_patches(input.image);
    if (input.features > 0) {
      feature_weight_ = register_parameter("feature_weight", small_values({input.features, width_}));
      feature_bias_ = register_parameter("feature_bias", small_values({input.features, width_}));
    }
    for (std::size_t i = 0; i < input.vocabularies.size(); ++i) {
      embeddings_.push_back(
          register_module(str("embeddings_", i), nn::Embedding(input.vocabularies[i], width_)));
      torch::NoGradGuard no_grad;
      embeddings_.back()->weight.normal_(0, initial_deviation);
    }
    for (std::int64_t i = 0; i < spec.at("layers").get<std::int64_t>(); ++i) {
      layers_->push_back(EncoderLayer(width_, heads, spec.at("feed_forward"), spec.at("dropout")));
    }
    register_module("layers", layers_);
    norm_ = register_module("norm", nn::LayerNorm(nn::LayerNormOptions({width_})));
    head_ = register_module("head", nn::Linear(width_, input.outputs));
  }

  at::Tensor forward(const Batch& batch) override {
    std::vector<at::Tensor> tokens = {token_.expand({batch.rows, 1, width_})};
    if (batch.images.defined()) tokens.push_back(patches_(cut(batch.images)) + position_);
    if (batch.features.defined())
      tokens.push_back(batch.features.unsqueeze(2) * feature_weight_ + feature_bias_);
    for (std::size_t i = 0; i < embeddings_.size(); ++i) {
      const auto codes = batch.categories.select(1, static_cast<std::int64_t>(i));
      tokens.push_back(embeddings_[i](codes).unsqueeze(1));
    }
    return head_(norm_(layers_->forward(torch::cat(tokens, 1)).select(1, 0)));
  }

 private:
  void add_patches(const std::vector<std::int64_t>& image) {
    if (image[1] % patch_ != 0 || image[2] % patch_ != 0) {
      throw Error(ExitStatus::configuration,
                  str("model transformer: patches of ", patch_, "x", patch_, " do not tile images of ",
                      image[1], "x", image[2]),
                  "a patch that divides height and width");
    }
    patches_ = register_module("patches", nn::Linear(image[0] * patch_ * patch_, width_));
    position_ =
        register_parameter("position", small_values({1, (image[1] / patch_) * (image[2] / patch_), width_}));
  }

  /// [rows, channels, height, width] → [rows, patches, channels * patch * patch].
  at::Tensor cut(const at::Tensor& images) const {
    const std::int64_t c = images.size(1), down = images.size(2) / patch_, across = images.size(3) / patch_;
    return images.reshape({-1, c, down, patch_, across, patch_})
        .permute({0, 2, 4, 1, 3, 5})
        .reshape({-1, down * across, c * patch_ * patch_});
  }

  std::int64_t patch_, width_;
  at::Tensor token_, position_, feature_weight_, feature_bias_;
  nn::Linear patches_{nullptr}, head_{nullptr};
  std::vector<nn::Embedding> embeddings_;
  nn::Sequential layers_;
  nn::LayerNorm norm_{nullptr};
};

}  // namespace

std::shared_ptr<Model> make_transformer_model(const Json& spec, const ModelInput& input) {
  return std::make_shared<TransformerModel>(spec, input);
}

}  // namespace rankflow
