// The factor by which float16 training multiplies the loss, so that small gradients don't become zero: as large as it can be
// without gradients becoming infinite (Micikevicius et al. 2018, arXiv:1710.03740; the rules and defaults of
// torch.amp.GradScaler). Pure.
#pragma once

#include <cstdint>

#include "io/json.h"

namespace rankflow {

class LossScale {
 public:
  double value() const { return value_; }
  /// After each batch: whether the gradients were finite. An infinite one halves the scale (and the batch is left out by the
  /// caller); 2000 finite ones in a row double it.
  void update(bool finite);
  /// Whether the scale is so small that it is not what makes gradients infinite.
  bool exhausted() const { return value_ < smallest; }

  Json to_json() const;
  static LossScale from_json(const Json& json);

 private:
  static constexpr double growth = 2, backoff = 0.5, smallest = 0x1p-16, largest = 0x1p96;
  static constexpr std::int64_t interval = 2000;

  double value_ = 65536;
  std::int64_t finite_ = 0;  // batches since it changed
};

}  // namespace rankflow
