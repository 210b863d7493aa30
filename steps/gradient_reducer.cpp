#include "steps/gradient_reducer.h"

#include <torch/torch.h>

namespace rankflow {

GradientReducer::GradientReducer(Communicator& comm, at::Tensor flat) : comm_(comm), flat_(std::move(flat)) {}

void GradientReducer::add(Range elements) {
  if (elements.begin == pending_.end && pending_.size() > 0) {
    pending_.end = elements.end;
    return;
  }
  finalize();
  pending_ = elements;
}

void GradientReducer::finalize() {
  if (pending_.size() == 0) return;
  comm_.all_reduce(flat_.data_ptr<float>() + pending_.begin, static_cast<std::size_t>(pending_.size()),
                   DType::f32, ReduceOp::sum);
  pending_ = {};
}

}  // namespace rankflow
