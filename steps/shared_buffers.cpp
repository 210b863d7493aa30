#include "steps/shared_buffers.h"

#include <torch/torch.h>

namespace rankflow {

SharedBuffers::SharedBuffers(const torch::nn::Module& model, Communicator& comm, std::int64_t virtual_shards)
    : comm_(comm), virtual_shards_(virtual_shards) {
  if (comm.size() == 1 && virtual_shards == 0) return;
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
  if (buffers_.empty()) return;
  agreed_ = gathered();
  change_ = torch::zeros_like(agreed_);
  if (virtual_shards_ > 0) tree_.emplace(comm_, change_, virtual_shards_);
}

void SharedBuffers::after_shard(double share) {
  if (!tree_) return;
  torch::NoGradGuard no_grad;
  change_.add_(gathered().sub_(agreed_).mul_(share));  // it holds zeros
  tree_->add();
  write_agreed();
}

void SharedBuffers::after_step(double share) {
  if (buffers_.empty()) return;
  torch::NoGradGuard no_grad;
  if (tree_) {
    tree_->finish();
  } else {
    change_.copy_(gathered().sub_(agreed_).mul_(share));
    comm_.all_reduce(change_.data_ptr(), static_cast<std::size_t>(change_.numel()), DType::f64,
                     ReduceOp::sum);
  }
  agreed_.add_(change_);
  change_.zero_();
  write_agreed();
}

void SharedBuffers::write_agreed() {
  std::int64_t begin = 0;
  for (auto& b : buffers_) {
    at::Tensor mine = agreed_.narrow(0, begin, b.numel());
    if (!at::isFloatingType(b.scalar_type())) mine.round_();
    b.copy_(mine.view(b.sizes()));
    // What the next change is measured from is what the buffer holds, rounded to its type.
    mine.copy_(b.reshape({-1}));
    begin += b.numel();
  }
}

void SharedBuffers::close() {
  if (tree_) tree_->close();
}

}  // namespace rankflow
