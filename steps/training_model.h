// What a train step trains, made from its keys and inputs: the model with the weights it starts from, and the code
// that makes its gradients.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "steps/loss.h"
#include "steps/model.h"
#include "steps/training_plan.h"
#include "steps/training_step.h"

namespace rankflow {

/// Inputs of a step: name → absolute path.
using StepInputs = std::map<std::string, std::string>;

/// What the input `model` gives; empty where there is none.
std::string brought_model(const StepInputs& inputs);

/// The model of the key `model:`, with the weights of the input `initial_weights` where it is given, and without
/// gradients for what `freeze:` names. Throws Error (configuration, bad_data) where something doesn't fit: also weights of a
/// train step whose data had other columns, vocabularies, statistics or classes than `data`, unless the key
/// `initial_weights_as_they_are` allows that.
std::shared_ptr<Model> make_training_model(const Json& parameters, const StepInputs& inputs,
                                           const DatasetInfo& data);

/// Keeps references to `model` and `timeline`. `class_weights`: f64 [classes] or undefined, as `loss` has them.
std::unique_ptr<TrainingStep> make_training_step(Model& model, const Loss& loss,
                                                 const at::Tensor& class_weights, Precision precision,
                                                 Timeline& timeline);

}  // namespace rankflow
