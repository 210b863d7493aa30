// Rows of a dataset as tensors that a model takes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "io/dataset.h"
#include "steps/augmentation.h"
#include "steps/task.h"

namespace rankflow {

/// Undefined tensors stand for columns that the dataset lacks. "real" is the loader's number format.
struct Batch {
  std::int64_t rows = 0;
  at::Tensor features;    // real [rows, features]
  at::Tensor categories;  // i64 [rows, columns]
  at::Tensor images;      // real [rows, channels, height, width], 0 … 1
  at::Tensor target;      // i64 [rows] (class) or real [rows] (standardised); undefined where it isn't wanted
};

struct BatchFormat {
  at::ScalarType real = at::kFloat;                         // or at::kDouble
  bool channels_last = false;                               // memory format of images
  at::Device device = at::kCPU;                             // where batches are to be
  std::optional<Augmentation> augmentation = std::nullopt;  // of images, where an epoch is given
};

class BatchLoader {
 public:
  /// Keeps a reference to `data`. `with_target` needs the column target.
  BatchLoader(const Dataset& data, bool with_target, TargetScale scale = {}, BatchFormat format = {});

  const Dataset& data() const { return data_; }
  const BatchFormat& format() const { return format_; }
  /// The given rows, in their order, on the device of the format.
  Batch load(std::span<const std::int64_t> rows) const;
  /// The same into the memory of the host that `batch` has, where that is large enough: for a GPU, what BatchTransfer takes
  /// there, in page-locked memory and with images as bytes. As epoch `epoch` (from 0) of a training sees them. Thread-safe.
  void load(std::span<const std::int64_t> rows, Batch& batch, std::int64_t epoch) const;
  /// Consecutive rows.
  Batch load(Range rows) const;
  /// Their targets alone, on the host.
  at::Tensor load_target(Range rows) const;

 private:
  void load_rows(std::span<const std::int64_t> rows,
                 const std::function<void(std::span<std::uint8_t>)>& change, Batch& batch) const;

  const Dataset& data_;
  bool with_target_;
  TargetScale scale_;
  BatchFormat format_;
};

}  // namespace rankflow
