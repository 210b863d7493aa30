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
         dropout()}}},
      "what is trained");
}

}  // namespace rankflow
