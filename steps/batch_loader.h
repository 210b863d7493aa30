// Rows of a dataset as tensors that a model takes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "io/dataset.h"
#include "steps/task.h"

namespace rankflow {

/// Undefined tensors stand for columns that the dataset lacks.
struct Batch {
  std::int64_t rows = 0;
  at::Tensor features;    // f32 [rows, features]
  at::Tensor categories;  // i64 [rows, columns]
  at::Tensor images;      // f32 [rows, channels, height, width], 0 … 1
  at::Tensor target;      // i64 [rows] (class) or f32 [rows] (standardised); undefined where it isn't wanted
};

class BatchLoader {
 public:
  /// Keeps a reference to `data`. `with_target` needs the column target.
  BatchLoader(const Dataset& data, bool with_target, TargetScale scale = {});

  const Dataset& data() const { return data_; }
  /// The given rows, in their order.
  Batch load(std::span<const std::int64_t> rows) const;
  /// Consecutive rows.
  Batch load(Range rows) const;
  /// Their targets alone.
  at::Tensor load_target(Range rows) const;

 private:
  const Dataset& data_;
  bool with_target_;
  TargetScale scale_;
};

}  // namespace rankflow
