// The exponential moving average of a model's parameters: often better than the parameters themselves.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace rankflow {

class MovingAverage {
 public:
  /// Begins with a copy of `values` (flat), which are kept by reference.
  MovingAverage(const at::Tensor& values, double decay);

  /// After step `steps` (from 1): average = d average + (1 - d) values with d = min(decay, (1 + steps) /
  /// (10 + steps)), so that the initial weights are soon forgotten (as in TensorFlow).
  void update(std::int64_t steps);
  /// Puts the average where the values are and the values where the average was; again: back.
  void swap();
  const at::Tensor& average() const { return average_; }

 private:
  at::Tensor values_, average_, spare_;
  double decay_;
};

}  // namespace rankflow
