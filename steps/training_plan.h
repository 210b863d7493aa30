// How to train: the keys of a train step, in types.
#pragma once

#include <cstdint>
#include <string>

#include "io/json.h"
#include "steps/precision.h"

namespace rankflow {

struct TrainingPlan {
  /// `parameters`: of a train step, validated.
  explicit TrainingPlan(const Json& parameters);

  std::int64_t epochs, batch_size;
  std::int64_t accumulate;  // micro-batches of a rank's share of a global batch
  std::uint64_t seed;
  bool shuffle;
  std::int64_t shuffle_window = 0;  // rows; 0: all of them
  std::int64_t virtual_shards = 0;  // of a global batch, summed in a fixed tree (deterministic); 0: not
  Precision precision;
  Json optimizer, schedule;
  bool shard_optimizer;              // ZeRO-1
  Json local_steps;                  // DiLoCo; null: every step is taken together
  std::string gradient_compression;  // none, bfloat16, float16: on the wire
  std::string overlap;               // of backward and reduction: auto, always, never
  std::string cuda_graph;            // auto, always, never
  double clip_norm = 0;              // 0: not clipped
  double ema_decay = 0;              // 0: no average
  bool keep_best;
  std::string primary_metric;
  std::int64_t patience = 0;  // epochs without improvement after which the training ends; 0: never
  double min_delta = 0;
  std::int64_t every_epochs, every_batches;  // checkpoints; 0: not
  double every_seconds;

  bool deterministic() const { return virtual_shards > 0; }
  /// Whether epochs are compared by the primary metric, for which validation data is needed.
  bool compares_epochs() const { return keep_best || patience > 0; }
};

}  // namespace rankflow
