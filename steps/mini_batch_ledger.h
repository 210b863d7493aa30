// What is kept of finished mini-batches beside a step's checkpoints, by each rank for itself, so that an interrupted run goes on
// with those that are missing, on any number of ranks.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/result_shard.h"
#include "runtime/step.h"

namespace rankflow {

class MiniBatchLedger {
 public:
  /// `about`: what the mini-batches are of, and how they are cut and kept; what another run kept is used where it is equal. (The folder
  /// of checkpoints is the work's own: that it is the same need not be said.) The context must outlive it.
  MiniBatchLedger(StepContext& context, Json about);

  /// Finds what an interrupted run left, and returns the numbers below `count` of the mini-batches that are missing. Collective; each rank
  /// looks at a share of the bytes.
  std::vector<std::int64_t> restore(std::int64_t count);
  /// Keeps consecutive mini-batches of this rank. Throws Error (io).
  void keep(Range mini_batches, std::int64_t rows, const std::map<std::string, std::string>& sections,
            Json notes);
  /// All that is kept, by all ranks and runs, in order. Collective.
  std::vector<ResultChunk> gather();

 private:
  StepContext& context_;
  const Json about_;
  std::vector<ResultChunk> restored_, mine_;
  std::optional<ShardWriter> shard_;
};

}  // namespace rankflow
