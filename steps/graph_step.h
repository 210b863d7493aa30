// A training step whose kernels are recorded once for each size of batch and then started together: for models whose
// kernels are shorter than what the host needs to start them.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "steps/gpu.h"
#include "steps/training_step.h"

namespace rankflow {

class GraphStep : public TrainingStep {
 public:
  using Recorder = std::function<std::unique_ptr<RecordedWork>()>;

  /// `inner` does the work, on a GPU and with nothing that waits for it. Parts of a whole global batch of `global_rows` are
  /// recorded when a size comes for the third time: before, libraries choose their kernels. Others, such as the last
  /// batch of an epoch, are always computed one kernel after the other.
  GraphStep(std::unique_ptr<TrainingStep> inner, std::int64_t global_rows,
            Recorder recorder = make_recorded_work);

  void bind() override { inner_->bind(); }
  /// Throws Error (configuration) where the model does what can't be recorded.
  PartialLoss forward_backward(const Batch& batch, std::int64_t global_rows) override;
  void set_loss_scale(double scale) override { inner_->set_loss_scale(scale); }

 private:
  /// The step of one size, between tensors that stay where they are.
  struct Recording {
    std::int64_t seen = 0;
    std::unique_ptr<RecordedWork> work;
    Batch batch;
    PartialLoss result;
  };
  void record(const Batch& batch, Recording& recording);

  std::unique_ptr<TrainingStep> inner_;
  std::int64_t global_rows_;
  Recorder recorder_;
  std::map<std::int64_t, Recording>
      recordings_;  // by rows: at most two sizes, as parts of a batch differ by one row
};

}  // namespace rankflow
