#include "steps/moving_average.h"

#include <torch/torch.h>

#include <algorithm>

namespace rankflow {

MovingAverage::MovingAverage(const at::Tensor& values, double decay)
    : values_(values), average_(values.clone()), spare_(torch::empty_like(values)), decay_(decay) {}

void MovingAverage::update(std::int64_t steps) {
  const double t = static_cast<double>(steps);
  average_.lerp_(values_, 1 - std::min(decay_, (1 + t) / (10 + t)));
}

void MovingAverage::swap() {
  spare_.copy_(values_);
  values_.copy_(average_);
  average_.copy_(spare_);
}

}  // namespace rankflow
