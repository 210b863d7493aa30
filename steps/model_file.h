// A trained model on disk: model.safetensors (weights and buffers under their PyTorch names) and model.json (what it
// is).
#pragma once

#include <memory>
#include <string>

#include "steps/model.h"
#include "steps/task.h"
#include "steps/weights.h"

namespace rankflow {

struct ModelFile {
  std::shared_ptr<Model> model;
  Json description;        // model.json
  DatasetInfo trained_on;  // columns and schema
  Task task = Task::classification;
  TargetScale target;
};

/// Writes both files, and a copy of the code that the user `brought`. model.json: {format, model, input: {columns, schema}, target: {mean, scale}} and
/// `about`.
void write_model(const std::string& folder, const Model& model, const Json& spec, const std::string& brought,
                 const DatasetInfo& trained_on, const TargetScale& target, const Json& about);

/// Throws Error (bad_data) where the files are damaged or don't fit each other. The model is in evaluation
/// mode; its weights are the file's own, mapped into memory, and not to be changed.
ModelFile read_model(const std::string& folder);

}  // namespace rankflow
