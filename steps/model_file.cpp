#include "steps/model_file.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {

std::vector<NamedTensor> model_tensors(const torch::nn::Module& model) {
  std::vector<NamedTensor> tensors;
  for (const auto& item : model.named_parameters()) tensors.push_back({item.key(), item.value()});
  for (const auto& item : model.named_buffers()) tensors.push_back({item.key(), item.value()});
  return tensors;
}

void write_model(const std::string& folder, const Model& model, const Json& spec,
                 const DatasetInfo& trained_on, const TargetScale& target, const Json& about) {
  write_tensors(folder + "/model.h5", model_tensors(model), {{"model", spec}});
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
    file.model = make_model(file.description.at("model"), model_input(file.trained_on));
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no description of a model: ", e.what()));
  }
  const std::string weights = folder + "/model.h5";
  copy_tensors(read_tensor_file(weights), model_tensors(*file.model), weights);
  file.model->eval();
  return file;
}

}  // namespace rankflow
