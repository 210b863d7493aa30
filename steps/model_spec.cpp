#include "steps/model_spec.h"

namespace rankflow {
namespace {

Field width(std::string name, std::string help) {
  return between(integer(std::move(name), std::move(help)), 1, 1 << 20);
}

Field hidden(Json value, std::string help) {
  return with_default(list("hidden", width("width", "units of one layer"), std::move(help)),
                      std::move(value));
}

Field dropout() {
  Field f =
      with_default(number("dropout", "share of the hidden units switched off at random while training"), 0.0);
  return between(std::move(f), 0.0, 0.95);
}

}  // namespace

Field model_field() {
  return variant(
      "model",
      {{"linear",
        "one linear layer: logistic (softmax) or linear regression; categories count as one-hot columns",
        {}},
       {"mlp",
        "fully connected layers with ReLU on features, or on images as one long row",
        {hidden({512, 512}, "units of each hidden layer, first to last"), dropout()}},
       {"cnn",
        "blocks of 3x3 convolution, ReLU and 2x2 max-pooling on images, then one fully connected hidden "
        "layer",
        {with_default(at_least(list("channels", width("channels", "output channels of one block"),
                                    "output channels of each block; every block halves height and width"),
                               1),
                      {32, 64}),
         with_default(width("hidden", "units of the fully connected hidden layer"), 128), dropout()}},
       {"tabular",
        "features beside an embedding of each category, then fully connected layers with ReLU",
        {hidden({128, 64}, "units of each hidden layer, first to last"),
         with_default(
             or_word(between(integer("embedding",
                                     "numbers that stand for a category; auto chooses per column: half "
                                     "its vocabulary, at most 50"),
                             1, 4096),
                     "auto"),
             "auto"),
         dropout()}},
       {"resnet",
        "residual blocks of two 3x3 convolutions with batch normalisation on images (He et al. 2016)",
        {with_default(
             at_least(list("blocks", width("count", "blocks of one stage"),
                           "blocks of each stage; every stage but the first halves height and width and "
                           "doubles the channels. [3, 3, 3] with 16 channels is ResNet-20, [2, 2, 2, 2] with "
                           "64 ResNet-18, [3, 4, 6, 3] with 64 ResNet-34"),
                      1),
             {3, 3, 3}),
         with_default(width("channels", "output channels of the first stage"), 16),
         with_default(
             choice("stem", {"auto", "small", "large"},
                    "small: a 3x3 convolution; large: 7x7 and pooling, which halve images twice; auto: large "
                    "from 96 pixels on"),
             "auto")}},
       {"transformer",
        "a transformer encoder over the patches of images, or over one token for each feature and category",
        {with_default(width("patch", "height and width of a patch of an image"), 7),
         with_default(width("width", "numbers that stand for a token; a multiple of heads"), 64),
         with_default(width("layers", "encoder layers"), 2),
         with_default(width("heads", "attention heads of a layer"), 4),
         with_default(width("feed_forward", "hidden units of a layer's two linear layers"), 128), dropout()}},
       {"exported",
        "a PyTorch model of your own that launchers/export_model.py compiled: the input `model`",
        {}},
       {"plugin",
        "a model from a C++ library of your own: the input `model`",
        {required(text("name", "the model's name in the library")),
         with_default(any("options", "what the model's own code makes of it"), Json::object())}}},
      "what is trained");
}

}  // namespace rankflow
