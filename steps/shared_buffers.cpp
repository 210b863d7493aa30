#include "steps/shared_buffers.h"

#include <torch/torch.h>

namespace rankflow {

SharedBuffers::SharedBuffers(const torch::nn::Module& model, Communicator& comm) : comm_(comm) {
  if (comm.size() == 1) return;
  for (const auto& buffer : model.buffers()) {
    if (buffer.scalar_type() != at::kBool && buffer.numel() > 0) buffers_.push_back(buffer);
  }
}

/// In double precision, which holds counters and float32 exactly.
at::Tensor SharedBuffers::gathered() const {
  std::vector<at::Tensor> pieces;
  for (const auto& b : buffers_) pieces.push_back(b.detach().reshape({-1}).to(at::kDouble));
  return torch::cat(pieces);
}

void SharedBuffers::begin() {
  if (!buffers_.empty()) agreed_ = gathered();
}

void SharedBuffers::after_step(double share) {
  if (buffers_.empty()) return;
  torch::NoGradGuard no_grad;
  at::Tensor change = gathered().sub_(agreed_).mul_(share);
  comm_.all_reduce(change.data_ptr(), static_cast<std::size_t>(change.numel()), DType::f64, ReduceOp::sum);
  agreed_.add_(change);
  std::int64_t begin = 0;
  for (auto& b : buffers_) {
    at::Tensor mine = agreed_.narrow(0, begin, b.numel());
    if (!at::isFloatingType(b.scalar_type())) mine.round_();
    b.copy_(mine.view(b.sizes()));
    // What the next step's change is measured from is what the buffer holds, rounded to its type.
    mine.copy_(b.reshape({-1}));
    begin += b.numel();
  }
}

}  // namespace rankflow
