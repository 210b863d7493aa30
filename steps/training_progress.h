// Where a training stands: what a checkpoint holds beside tensors.
#pragma once

#include <cstdint>
#include <optional>

#include "io/json.h"
#include "steps/loss_scale.h"

namespace rankflow {

struct TrainingProgress {
  std::int64_t epoch = 0, batch = 0;  // the next to do; batch counts within the epoch
  std::int64_t step = 0;              // global batches done
  double epoch_loss = 0;              // sum over the rows of this epoch so far
  std::int64_t best_epoch = 0;        // by the primary metric, from 1; 0: none yet
  double best_value = 0;
  std::int64_t mark_epoch = 0;  // the last that was better than the mark before by more than min_delta
  double mark_value = 0;
  std::optional<LossScale> loss_scale;  // of float16
  Json history = Json::array();         // one object per epoch: epoch (from 1), train_loss, validation_…

  Json to_json() const;
  static TrainingProgress from_json(const Json& json);
};

}  // namespace rankflow
