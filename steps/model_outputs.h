// What a model's outputs mean, and what they become: log-probabilities of the classes, or values in the target's units.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "base/partition.h"
#include "io/json.h"
#include "steps/task.h"

namespace rankflow {

/// What a model of classes gives for each.
enum class ModelOutputs { logits, probabilities };

/// The key `model_outputs`; nothing where it isn't given.
std::optional<ModelOutputs> wanted_outputs(const Json& parameters);

struct OutputMeaning {
  Task task = Task::classification;
  TargetScale target;           // of regression
  std::int64_t classes = 0;     // of classification
  bool from_elsewhere = false;  // the model's code isn't ours, so that its outputs may be anything
  ModelOutputs outputs = ModelOutputs::logits;

  std::int64_t width() const { return task == Task::classification ? classes : 1; }
};

/// f64 [rows, classes]: log-probabilities; or f64 [rows, 1]: predicted values, from a model's outputs for `rows` rows out of
/// `batch`: [rows, classes], [rows, 1], or [rows] of regression. A probability of 0 becomes the logarithm of the smallest number
/// above it. Throws Error (bad_data) where they are not finite, and StepFailure (bad_data) where they have another shape, where
/// what shall be probabilities is none, or where all that shall be logits of three rows or more are probabilities.
at::Tensor in_units_of_target(const at::Tensor& outputs, const OutputMeaning& meaning, std::int64_t rows,
                              Range batch);

}  // namespace rankflow
