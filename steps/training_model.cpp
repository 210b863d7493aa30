#include "steps/training_model.h"

#include "base/error.h"
#include "base/text.h"
#include "steps/exported_model.h"
#include "steps/weights.h"

namespace rankflow {
namespace {

std::string path_of(const StepInputs& inputs, const char* name) {
  const auto found = inputs.find(name);
  return found == inputs.end() ? std::string() : found->second;
}

}  // namespace

std::string brought_model(const StepInputs& inputs) {
  return path_of(inputs, "model");
}

std::shared_ptr<Model> make_training_model(const Json& parameters, const StepInputs& inputs,
                                           const ModelInput& input) {
  const auto model = make_model(parameters.at("model"), input, brought_model(inputs));
  const auto new_weights = parameters.at("new_weights").get<std::vector<std::string>>();
  if (const std::string path = path_of(inputs, "initial_weights"); !path.empty()) {
    load_weights(StoredWeights(path), model_tensors(*model), new_weights);
  } else if (!new_weights.empty()) {
    throw Error(ExitStatus::configuration, "new_weights has no meaning without the input initial_weights",
                "inputs: {initial_weights: …}, or no new_weights");
  }
  freeze(*model, parameters.at("freeze").get<std::vector<std::string>>());
  return model;
}

std::unique_ptr<TrainingStep> make_training_step(Model& model, const Loss& loss,
                                                 const at::Tensor& class_weights, Precision precision,
                                                 Timeline& timeline) {
  if (auto* exported = dynamic_cast<ExportedModel*>(&model))
    return std::make_unique<ExportedStep>(*exported, class_weights, timeline);
  return std::make_unique<EagerStep>(model, loss, precision, timeline);
}

}  // namespace rankflow
