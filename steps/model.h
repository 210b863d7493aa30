// Models that pipelines name by type. A new kind of our own is model_KIND.cpp (`make_KIND_model`), a line in
// model_types.inc, and its keys in model_spec.cpp.
#pragma once

#include <torch/nn/module.h>

#include <memory>

#include "steps/batch_loader.h"
#include "steps/model_input.h"

namespace rankflow {

class Model : public torch::nn::Module {
 public:
  /// f32 [rows, outputs]: logits of the classes, or one (standardised) value.
  virtual at::Tensor forward(const Batch& batch) = 0;
};

/// Builds the model that `spec` (the key `model:`, validated) describes, for data that looks like `input`.
/// Initial weights come from torch's generator, or from `brought`: for the types exported and plugin the folder
/// or library that has the model's code, otherwise empty. Throws Error (configuration) where the model doesn't
/// fit the data.
std::shared_ptr<Model> make_model(const Json& spec, const ModelInput& input, const std::string& brought = {});

/// Throws Error (configuration) naming what is missing: `model cnn needs a column "images"; …`.
void require_column(const char* model, const char* column, bool present, const ModelInput& input);
/// The same for a column that a model would leave unused.
void refuse_column(const char* model, const char* column, bool present, const ModelInput& input);

}  // namespace rankflow
