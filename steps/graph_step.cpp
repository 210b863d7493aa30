#include "steps/graph_step.h"

#include <torch/torch.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::int64_t seen_before_recording = 3;

/// Copies into the tensors of `to`, which are made where there are none.
void copy(const Batch& from, Batch& to) {
  const auto one = [](const at::Tensor& source, at::Tensor& target) {
    if (!source.defined()) return;
    if (target.defined())
      target.copy_(source);
    else
      target = source.clone();
  };
  to.rows = from.rows;
  one(from.features, to.features);
  one(from.categories, to.categories);
  one(from.images, to.images);
  one(from.target, to.target);
}

}  // namespace

GraphStep::GraphStep(std::unique_ptr<TrainingStep> inner, std::int64_t global_rows, Recorder recorder)
    : inner_(std::move(inner)), global_rows_(global_rows), recorder_(std::move(recorder)) {}

PartialLoss GraphStep::forward_backward(const Batch& batch, std::int64_t global_rows) {
  if (global_rows != global_rows_) return inner_->forward_backward(batch, global_rows);
  Recording& recording = recordings_[batch.rows];
  if (!recording.work && ++recording.seen < seen_before_recording)
    return inner_->forward_backward(batch, global_rows);
  copy(batch, recording.batch);
  if (!recording.work) record(batch, recording);
  recording.work->replay();
  // The next replay writes into the same tensors.
  const at::Tensor& losses = recording.result.row_loss;
  return {recording.result.share.clone(), losses.defined() ? losses.clone() : losses};
}

void GraphStep::record(const Batch& batch, Recording& recording) {
  auto work = recorder_();
  try {
    work->record([&] { recording.result = inner_->forward_backward(recording.batch, global_rows_); });
  } catch (const c10::Error& e) {
    throw Error(ExitStatus::configuration,
                str("the training step of ", batch.rows,
                    " rows can't be recorded as a CUDA graph: ", e.what_without_backtrace()),
                "cuda_graph: never");
  }
  recording.work = std::move(work);
}

}  // namespace rankflow
