// How wrong a model's outputs are.
#pragma once

#include <ATen/core/Tensor.h>

#include "steps/task.h"

namespace rankflow {

class Loss {
 public:
  /// The plain loss of the task: what validation reports.
  explicit Loss(Task task) : task_(task) {}
  /// What training follows. `label_smoothing` (Szegedy et al. 2016): this share of the target is spread over
  /// all classes. `class_weights`: f64 [classes], or undefined for none. Both of classification only.
  Loss(Task task, double label_smoothing, at::Tensor class_weights)
      : task_(task), label_smoothing_(label_smoothing), class_weights_(std::move(class_weights)) {}

  /// The loss of each row [rows], in the type of `outputs`: cross entropy of logits [rows, classes] and
  /// classes i64 [rows], or the squared error of values [rows, 1] and numbers [rows].
  at::Tensor rows(const at::Tensor& outputs, const at::Tensor& target) const;

 private:
  Task task_;
  double label_smoothing_ = 0;
  at::Tensor class_weights_;
};

/// Weights of the classes from the key `class_weights:` (null: an undefined tensor): "balanced" (each class
/// in inverse proportion to its rows), a list in the order of the classes, or a mapping from the names of
/// some to theirs (1 for the others). Scaled to a mean of 1 over the rows of `data`, so that they don't change
/// what a learning rate means. Throws Error (configuration). Collective: each rank counts a share of the
/// parts.
at::Tensor class_weights(const Json& spec, const Dataset& data, Task task, Communicator& comm);

}  // namespace rankflow
