#include "steps/checkpoint_writer.h"

#include <torch/torch.h>

namespace rankflow {

void CheckpointWriter::save(std::int64_t step, const std::vector<NamedTensor>& tensors,
                            const Json& progress) {
  finish();
  torch::NoGradGuard no_grad;
  copies_.resize(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    at::Tensor& copy = copies_[i].tensor;
    copies_[i].name = tensors[i].name;
    // Row-major, as files hold them, so that the thread has nothing to rearrange.
    if (!copy.defined() || copy.sizes() != tensors[i].tensor.sizes())
      copy = at::empty(tensors[i].tensor.sizes(), tensors[i].tensor.options().device(at::kCPU));
    copy.copy_(tensors[i].tensor);
  }
  writing_ =
      std::async(std::launch::async, [this, step, progress] { checkpoints_.save(step, copies_, progress); });
}

void CheckpointWriter::finish() {
  if (writing_.valid()) writing_.get();
}

}  // namespace rankflow
