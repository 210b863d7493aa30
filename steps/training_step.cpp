#include "steps/training_step.h"

#include <torch/torch.h>

#include "base/error.h"

namespace rankflow {

void TrainingStep::set_loss_scale(double) {
  throw Error(ExitStatus::internal, "this training step scales no loss");
}

at::Tensor EagerStep::forward(const Batch& batch) {
  const auto type = autocast_type(precision_);
  if (!type) return model_.forward(batch);
  const Autocast autocast(batch.target.device().type(), *type);
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
  if (precision_ == Precision::float16) {
    if (!device_scale_.defined())
      device_scale_ = torch::full({}, scale_, share.options().requires_grad(false));
    (share * device_scale_).backward();
  } else {
    share.backward();
  }
  return {share.detach(), losses.detach()};
}

void EagerStep::set_loss_scale(double scale) {
  if (device_scale_.defined() && scale != scale_) device_scale_.fill_(scale);
  scale_ = scale;
}

}  // namespace rankflow
