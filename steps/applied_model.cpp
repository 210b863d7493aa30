#include "steps/applied_model.h"

#include <torch/script.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/log.h"
#include "base/shortened.h"
#include "base/text.h"
#include "io/file.h"
#include "runtime/step_failure.h"
#include "steps/exported_package.h"
#include "steps/model_code.h"
#include "steps/model_file.h"
#include "steps/pytorch_file.h"

namespace rankflow {
namespace {

std::vector<at::Tensor> columns_of(const Batch& batch) {
  std::vector<at::Tensor> columns;
  for (const at::Tensor* column : {&batch.images, &batch.features, &batch.categories}) {
    if (column->defined()) columns.push_back(column->contiguous());
  }
  return columns;
}

/// A program with its own weights, compiled by AOTInductor.
class CompiledModel : public Model {
 public:
  explicit CompiledModel(const std::string& path) : path_(path), package_(path) {}
  at::Tensor forward(const Batch& batch) override {
    auto outputs = package_.run(columns_of(batch));
    if (outputs.size() == 1) return outputs[0];
    throw StepFailure(
        ExitStatus::bad_data, str(path_, " gives ", outputs.size(), " tensors, not one"),
        "export a model whose forward() returns the outputs of the classes, or the number, alone");
  }

 private:
  std::string path_;
  ExportedPackage package_;
};

class ScriptedModel : public Model {
 public:
  explicit ScriptedModel(const std::string& path) : path_(path) {
    try {
      module_ = torch::jit::load(path, at::kCPU);
      module_.eval();
    } catch (const std::exception& e) {
      if (pytorch_file(path) == PytorchFile::pickle)
        throw Error(ExitStatus::bad_data,
                    str(path, " is a pickled module or state dict (torch.save), not TorchScript"),
                    made_otherwise);
      throw Error(ExitStatus::bad_data, str("cannot load ", path, " as TorchScript: ", without_frames(e)),
                  made_otherwise);
    }
    log::warning(str(
        path,
        " is TorchScript, which PyTorch has declared deprecated: export_model.py makes a model that lasts"));
  }
  at::Tensor forward(const Batch& batch) override {
    std::vector<torch::jit::IValue> inputs;
    for (auto& column : columns_of(batch)) inputs.emplace_back(std::move(column));
    const torch::jit::IValue outputs = run(std::move(inputs));
    if (outputs.isTensor()) return outputs.toTensor();
    throw StepFailure(ExitStatus::bad_data, str(path_, " gives ", outputs.tagKind(), ", not one tensor"),
                      "a model whose forward() returns the outputs of the classes, or the number, alone");
  }

 private:
  static constexpr const char* made_otherwise =
      "torch.jit.script(model).save(\"model.pt\"), or better a folder that export_model.py makes";

  torch::jit::IValue run(std::vector<torch::jit::IValue> inputs) {
    try {
      return module_.forward(std::move(inputs));
    } catch (const std::exception& e) {
      throw Error(ExitStatus::bad_data, str(path_, " failed: ", shortened(without_frames(e), 1000)));
    }
  }

  std::string path_;
  torch::jit::Module module_;
};

std::vector<std::string> classes_of(const DatasetInfo& data) {
  if (task_of(data.schema) != Task::classification) return {};
  return data.schema.at("classes").get<std::vector<std::string>>();
}

/// Of models that know nothing about themselves.
AppliedModel described_by(const DatasetInfo& data, std::shared_ptr<Model> model, ModelOutputs outputs) {
  AppliedModel applied{std::move(model), {task_of(data.schema), {}, 0, true, outputs}, classes_of(data)};
  applied.meaning.classes = std::ssize(applied.classes);
  applied.model->eval();
  return applied;
}

AppliedModel trained_here(const std::string& path, const DatasetInfo& data, bool with_target,
                          const std::string& folder, ModelOutputs outputs) {
  ModelFile file = read_model(path);
  require_same_input(file.trained_on, data, with_target, folder);
  AppliedModel applied{
      std::move(file.model), {file.task, file.target, 0, false, {}}, classes_of(file.trained_on)};
  applied.meaning.classes = std::ssize(applied.classes);
  applied.meaning.from_elsewhere = is_brought(file.description.at("model"));
  if (applied.meaning.from_elsewhere) applied.meaning.outputs = outputs;
  return applied;
}

}  // namespace

AppliedModel open_model(const std::string& path, const DatasetInfo& data, bool with_target,
                        const std::string& folder, ModelOutputs outputs) {
  if (exists(path + "/model.json")) return trained_here(path, data, with_target, folder, outputs);
  if (exists(path + "/exported.json"))
    return described_by(data, make_model({{"type", "exported"}}, model_input(data), path), outputs);
  if (path.ends_with(".pt2")) return described_by(data, std::make_shared<CompiledModel>(path), outputs);
  if (path.ends_with(".pt") || path.ends_with(".pth"))
    return described_by(data, std::make_shared<ScriptedModel>(path), outputs);
  throw Error(
      ExitStatus::bad_data, str(path, " is no model that is known here"),
      "the output of a train step, a folder that export_model.py wrote, a .pt2 or a TorchScript .pt file");
}

bool is_from_elsewhere(const std::string& path) {
  for (const char* description : {"/model.json", "/models.json"}) {
    if (exists(path + description)) return is_brought(read_json(path + description).at("model"));
  }
  return true;
}

}  // namespace rankflow
