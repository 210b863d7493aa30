// From rows to gradients: what one rank does with its part of a global batch. Models built here go through
// autograd; a step that was compiled elsewhere is another implementation.
#pragma once

#include "base/timeline.h"
#include "steps/loss.h"
#include "steps/model.h"
#include "steps/precision.h"

namespace rankflow {

/// The loss of a part of a global batch.
struct PartialLoss {
  at::Tensor
      share;  // a number: sum over the part's rows / rows of the global batch; parts add up to its mean loss
  at::Tensor row_loss;  // [rows], detached; undefined where only the sum is known
};

class TrainingStep {
 public:
  virtual ~TrainingStep() = default;
  /// Called once, before the first batch, when every parameter lies where it will be trained and has a
  /// gradient of its own shape: both stay where they are from then on.
  virtual void bind() {}
  /// Adds the gradient of (sum of the losses of `batch`'s rows / global_rows) to the gradients of the
  /// parameters, times the loss scale. `batch` has at least one row, and is on the parameters' device, as is the result,
  /// which a GPU may still be computing; torch's generator has been seeded for it. Not collective.
  virtual PartialLoss forward_backward(const Batch& batch, std::int64_t global_rows) = 0;
  /// From now on; 1 before. Throws Error (internal) where the step has no use for it.
  virtual void set_loss_scale(double scale);
};

/// A Model and autograd. Keeps references to `model` and `timeline`.
class EagerStep : public TrainingStep {
 public:
  EagerStep(Model& model, Loss loss, Precision precision, Timeline& timeline)
      : model_(model), loss_(std::move(loss)), precision_(precision), timeline_(timeline) {}
  PartialLoss forward_backward(const Batch& batch, std::int64_t global_rows) override;
  void set_loss_scale(double scale) override;

 private:
  at::Tensor forward(const Batch& batch);

  Model& model_;
  Loss loss_;
  Precision precision_;
  Timeline& timeline_;
  double scale_ = 1;
  at::Tensor device_scale_;  // the same where the loss is: a recorded step (graph_step.h) reads it each time
};

}  // namespace rankflow
