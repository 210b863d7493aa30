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
  const at::Tensor piece = flat_.narrow(0, pending_.begin, pending_.size());
  comm_.all_reduce(piece.data_ptr(), static_cast<std::size_t>(pending_.size()),
                   flat_.scalar_type() == at::kDouble ? DType::f64 : DType::f32, ReduceOp::sum);
  pending_ = {};
}

}  // namespace rankflow
