#include "steps/model_selection.h"

#include <torch/torch.h>

#include "steps/model_file.h"

namespace rankflow {

ModelSelection::ModelSelection(const TrainingPlan& plan, const torch::nn::Module& model)
    : model_(model),
      metric_(plan.primary_metric),
      higher_is_better_(metric_ == "validation_accuracy"),
      compares_(plan.compares_epochs()),
      patience_(plan.patience),
      min_delta_(plan.min_delta) {
  if (!plan.keep_best) return;
  for (const auto& t : model_tensors(model)) best_.push_back({"best." + t.name, t.tensor.detach().clone()});
}

bool ModelSelection::better(double value, double than, double by) const {
  return higher_is_better_ ? value > than + by : value < than - by;
}

void ModelSelection::consider(const Json& metrics, TrainingProgress& progress) {
  if (!compares_) return;
  const double value = metrics.at(metric_);
  const std::int64_t epoch = metrics.at("epoch");
  if (progress.mark_epoch == 0 || better(value, progress.mark_value, min_delta_))
    progress.mark_epoch = epoch, progress.mark_value = value;
  if (progress.best_epoch > 0 && !better(value, progress.best_value, 0)) return;
  progress.best_epoch = epoch, progress.best_value = value;
  torch::NoGradGuard no_grad;
  const auto tensors = model_tensors(model_);
  for (std::size_t i = 0; i < best_.size(); ++i) best_[i].tensor.copy_(tensors[i].tensor);
}

bool ModelSelection::exhausted(const TrainingProgress& progress) const {
  return patience_ > 0 && progress.mark_epoch > 0 && progress.epoch - progress.mark_epoch >= patience_;
}

void ModelSelection::restore_best() {
  torch::NoGradGuard no_grad;
  const auto tensors = model_tensors(model_);
  for (std::size_t i = 0; i < best_.size(); ++i) tensors[i].tensor.copy_(best_[i].tensor);
}

}  // namespace rankflow
