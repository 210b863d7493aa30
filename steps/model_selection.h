// Which epoch's weights are kept, and when to stop waiting for better ones.
#pragma once

#include <torch/nn/module.h>

#include <vector>

#include "steps/tensors.h"
#include "steps/training_plan.h"
#include "steps/training_progress.h"

namespace rankflow {

class ModelSelection {
 public:
  /// Keeps a reference to `model`.
  ModelSelection(const TrainingPlan& plan, const torch::nn::Module& model);

  /// Looks at an epoch's metrics: notes in `progress` whether it is the best so far, and copies the model's
  /// tensors if so and the best are to be kept. Does nothing where epochs aren't compared.
  void consider(const Json& metrics, TrainingProgress& progress);
  /// Whether the primary metric has not improved by more than min_delta for `patience` epochs.
  bool exhausted(const TrainingProgress& progress) const;
  /// Copies of the best epoch's tensors, as "best.NAME"; empty unless they are kept.
  const std::vector<NamedTensor>& best() const { return best_; }
  /// Gives the model the best epoch's tensors.
  void restore_best();

 private:
  bool better(double value, double than, double by) const;

  const torch::nn::Module& model_;
  std::string metric_;
  bool higher_is_better_, compares_;
  std::int64_t patience_;
  double min_delta_;
  std::vector<NamedTensor> best_;
};

}  // namespace rankflow
