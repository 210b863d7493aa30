#include "steps/training_step.h"

#include <torch/torch.h>

namespace rankflow {

PartialLoss EagerStep::forward_backward(const Batch& batch, std::int64_t global_rows) {
  at::Tensor losses, share;
  {
    TimedSpan span(timeline_, "forward", "train");
    losses = row_losses(task_, model_.forward(batch), batch.target);
    share = losses.sum() / static_cast<double>(global_rows);
  }
  TimedSpan span(timeline_, "backward", "train");
  share.backward();
  return {share.item<double>(), losses.detach()};
}

}  // namespace rankflow
