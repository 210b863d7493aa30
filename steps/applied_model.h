// Models that are applied as they come: artifacts of train, and models from elsewhere, told apart by what lies at their path.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "steps/model.h"
#include "steps/model_outputs.h"

namespace rankflow {

struct AppliedModel {
  std::shared_ptr<Model> model;  // in evaluation mode
  OutputMeaning meaning;
  std::vector<std::string> classes;  // of classification
};

/// `path`: a model artifact (a folder with model.json); a folder that export_model.py wrote (exported.json) with its weights; a
/// program that AOTInductor compiled (.pt2); TorchScript (.pt, .pth), which PyTorch has declared deprecated. The latter two
/// are called with the dataset's columns images, features and categories, those that there are in this order, and task,
/// classes and statistics are those of the dataset. Throws Error (bad_data, configuration) where model and data don't fit;
/// `folder` is the dataset's, for messages; `outputs`: what a model that is_from_elsewhere gives.
AppliedModel open_model(const std::string& path, const DatasetInfo& data, bool with_target,
                        const std::string& folder, ModelOutputs outputs);

/// Whether the model's code was brought along: what its outputs mean is known of the built-in types alone.
bool is_from_elsewhere(const std::string& path);

}  // namespace rankflow
