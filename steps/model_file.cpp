#include "steps/model_file.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "steps/model_code.h"

namespace rankflow {

namespace {

std::string weights_path(const std::string& folder) {
  return folder + "/model.safetensors";
}

}  // namespace

void write_model(const std::string& folder, const Model& model, const Json& spec, const std::string& brought,
                 const DatasetInfo& trained_on, const TargetScale& target, const Json& about) {
  save_weights(weights_path(folder), model_tensors(model));
  if (is_brought(spec)) copy_model_code(spec, brought, folder);
  Json description = about;
  description["format"] = 1;
  description["model"] = spec;
  description["input"] = describe_input(trained_on);
  description["target"] = {{"mean", target.mean}, {"scale", target.scale}};
  write_file_atomically(folder + "/model.json", description.dump(2) + "\n");
}

ModelFile read_model(const std::string& folder) {
  ModelFile file;
  const std::string path = folder + "/model.json";
  file.description = read_json(path);
  try {
    if (file.description.at("format") != 1) {
      throw Error(ExitStatus::bad_data, str(path, " has format ", file.description.at("format").dump(),
                                            "; this program reads format 1"));
    }
    file.trained_on = described_input(file.description.at("input"));
    file.task = task_of(file.trained_on.schema);
    const Json& target = file.description.at("target");
    file.target = {target.at("mean"), target.at("scale")};
    const Json& spec = file.description.at("model");
    file.model =
        make_model(spec, model_input(file.trained_on), is_brought(spec) ? model_code_in(folder, spec) : "");
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no description of a model: ", e.what()));
  }
  share_weights(std::make_shared<const StoredWeights>(weights_path(folder)), model_tensors(*file.model));
  file.model->eval();
  return file;
}

}  // namespace rankflow
