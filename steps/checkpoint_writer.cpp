#include "steps/checkpoint_writer.h"

#include <torch/torch.h>

namespace rankflow {

void CheckpointWriter::save(const std::vector<NamedTensor>& tensors, Write write) {
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
  run([this, write = std::move(write)] { write(copies_); });
}

void CheckpointWriter::run(std::function<void()> write) {
  finish();
  done_ = false;
  writing_ = std::async(std::launch::async, [this, write = std::move(write)] {
    write();
    done_ = true;
  });
}

void CheckpointWriter::finish() {
  if (!writing_.valid()) return;
  done_ = true;  // what it throws is told by this call
  writing_.get();
}

}  // namespace rankflow
