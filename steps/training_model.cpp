#include "steps/training_model.h"

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "steps/exported_model.h"
#include "steps/weights.h"

namespace rankflow {
namespace {

std::string path_of(const StepInputs& inputs, const char* name) {
  const auto found = inputs.find(name);
  return found == inputs.end() ? std::string() : found->second;
}

/// Shapes alone don't tell classes, or columns, in another order. Where the model has another number of outputs, so that its
/// last layer starts new, classes are not compared.
void require_same_meaning(const std::string& folder, const DatasetInfo& data) {
  const std::string path = folder + "/model.json";
  if (!exists(path)) return;
  try {
    const DatasetInfo trained_on = described_input(read_json(path).at("input"));
    const bool same_outputs = model_input(trained_on).outputs == model_input(data).outputs;
    require_same_input(trained_on, data, same_outputs, "to train on");
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no description of a model: ", e.what()));
  } catch (const Error& e) {
    throw Error(
        e.status(),
        str("the weights of ", folder, " fit this model's shapes, but mean something else: ", e.message()),
        "prepare the data with `statistics:` of the other training's, or initial_weights_as_they_are: true");
  }
}

}  // namespace

std::string brought_model(const StepInputs& inputs) {
  return path_of(inputs, "model");
}

std::shared_ptr<Model> make_training_model(const Json& parameters, const StepInputs& inputs,
                                           const DatasetInfo& data) {
  const auto model = make_model(parameters.at("model"), model_input(data), brought_model(inputs));
  const auto new_weights = parameters.at("new_weights").get<std::vector<std::string>>();
  if (const std::string path = path_of(inputs, "initial_weights"); !path.empty()) {
    load_weights(StoredWeights(path), model_tensors(*model), new_weights);
    if (!parameters.value("initial_weights_as_they_are", false)) require_same_meaning(path, data);
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
