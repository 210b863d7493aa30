// PyTorch models that export_model.py compiled: applied and trained without Python.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "steps/exported_description.h"
#include "steps/exported_package.h"
#include "steps/model.h"
#include "steps/training_step.h"

namespace rankflow {

class ExportedModel : public Model {
 public:
  /// `folder`: what export_model.py wrote, or a model artifact, which has no training step. Weights are those of
  /// weights.safetensors, or zero where the folder has none. Throws Error (configuration) where the code is for
  /// another machine or the data don't fit, Error (bad_data) where the folder is damaged.
  ExportedModel(std::string folder, const ModelInput& input);

  at::Tensor forward(const Batch& batch) override;

  /// training_step.pt2, bound to this model's tensors. Throws Error (bad_data).
  ExportedPackage training_step();
  const ExportedDescription& description() const { return description_; }
  /// The parameter or buffer of this name; undefined where there is none.
  at::Tensor find(const std::string& name) const;
  /// The batch's columns in the order of the program's arguments. Single rows are repeated up to `rows`.
  std::vector<at::Tensor> columns(const Batch& batch, std::int64_t rows) const;

 private:
  void register_tensor(const ExportedTensor& tensor, bool parameter);
  ExportedPackage load(const std::string& package) const;

  std::string folder_;
  ExportedDescription description_;
  std::unique_ptr<SafetensorsFile> constants_;
  std::map<std::string, at::Tensor> tensors_;  // parameters and buffers
  std::optional<ExportedPackage> forward_;
};

/// The compiled training step of an exported model.
class ExportedStep : public TrainingStep {
 public:
  /// Keeps references to `model` and `timeline`. `class_weights`: f64 [classes], what the loss of a row of each
  /// class counts, or undefined.
  ExportedStep(ExportedModel& model, const at::Tensor& class_weights, Timeline& timeline);
  void bind() override;
  PartialLoss forward_backward(const Batch& batch, std::int64_t global_rows) override;

 private:
  ExportedModel& model_;
  at::Tensor class_weights_;  // f32
  Timeline& timeline_;
  ExportedPackage package_;
  std::vector<at::Tensor> parameters_;  // in the order of the returned gradients
  std::vector<at::Tensor>
      counters_;  // num_batches_tracked of BatchNorm layers, which compiled code leaves alone
};

}  // namespace rankflow
