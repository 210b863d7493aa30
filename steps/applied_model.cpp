#include "steps/applied_model.h"

#include <torch/script.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "io/file.h"
#include "steps/exported_package.h"
#include "steps/model_file.h"

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
  explicit CompiledModel(std::string path) : package_(std::move(path)) {}
  at::Tensor forward(const Batch& batch) override {
    auto outputs = package_.run(columns_of(batch));
    if (outputs.empty()) throw Error(ExitStatus::bad_data, "the compiled model gives no tensor");
    return outputs[0];
  }

 private:
  ExportedPackage package_;
};

class ScriptedModel : public Model {
 public:
  explicit ScriptedModel(const std::string& path) : path_(path) {
    try {
      module_ = torch::jit::load(path, at::kCPU);
      module_.eval();
    } catch (const c10::Error& e) {
      throw Error(ExitStatus::bad_data,
                  str("cannot load ", path, " as TorchScript: ", e.what_without_backtrace()));
    }
    log::warning(str(
        path,
        " is TorchScript, which PyTorch has declared deprecated: export_model.py makes a model that lasts"));
  }
  at::Tensor forward(const Batch& batch) override {
    std::vector<torch::jit::IValue> inputs;
    for (auto& column : columns_of(batch)) inputs.emplace_back(std::move(column));
    try {
      return module_.forward(std::move(inputs)).toTensor();
    } catch (const std::exception& e) {
      throw Error(ExitStatus::bad_data, str(path_, " failed: ", std::string(e.what()).substr(0, 500)));
    }
  }

 private:
  std::string path_;
  torch::jit::Module module_;
};

/// Of models that know nothing about themselves.
AppliedModel described_by(const DatasetInfo& data, std::shared_ptr<Model> model) {
  AppliedModel applied{std::move(model), task_of(data.schema), {}, {}};
  if (applied.task == Task::classification)
    applied.classes = data.schema.at("classes").get<std::vector<std::string>>();
  applied.model->eval();
  return applied;
}

AppliedModel trained_here(const std::string& path, const DatasetInfo& data, bool with_target,
                          const std::string& folder) {
  ModelFile file = read_model(path);
  require_same_input(file.trained_on, data, with_target, folder);
  AppliedModel applied{std::move(file.model), file.task, file.target, {}};
  if (applied.task == Task::classification)
    applied.classes = file.trained_on.schema.at("classes").get<std::vector<std::string>>();
  return applied;
}

}  // namespace

AppliedModel open_model(const std::string& path, const DatasetInfo& data, bool with_target,
                        const std::string& folder) {
  if (exists(path + "/model.json")) return trained_here(path, data, with_target, folder);
  if (exists(path + "/exported.json"))
    return described_by(data, make_model({{"type", "exported"}}, model_input(data), path));
  if (path.ends_with(".pt2")) return described_by(data, std::make_shared<CompiledModel>(path));
  if (path.ends_with(".pt") || path.ends_with(".pth"))
    return described_by(data, std::make_shared<ScriptedModel>(path));
  throw Error(
      ExitStatus::bad_data, str(path, " is no model that is known here"),
      "the output of a train step, a folder that export_model.py wrote, a .pt2 or a TorchScript .pt file");
}

}  // namespace rankflow
