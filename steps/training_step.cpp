#include "steps/training_step.h"

#include <torch/torch.h>

namespace rankflow {

at::Tensor EagerStep::forward(const Batch& batch) {
  if (precision_ != Precision::bfloat16) return model_.forward(batch);
  const Autocast autocast;
  return model_.forward(batch).to(at::kFloat);
}

PartialLoss EagerStep::forward_backward(const Batch& batch, std::int64_t global_rows) {
  at::Tensor losses, share;
  {
    TimedSpan span(timeline_, "forward", "train");
    losses = loss_.rows(forward(batch), batch.target);
    share = losses.sum() / static_cast<double>(global_rows);
  }
  TimedSpan span(timeline_, "backward", "train");
  share.backward();
  return {share.item<double>(), losses.detach()};
}

}  // namespace rankflow
