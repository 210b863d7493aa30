// What a training's checkpoints hold, and which rank writes and reads what of it. Where all ranks hold the same the first
// one writes it, in one file. Where the update is divided over the ranks, each writes its part of the flat buffers, of the
// optimizer's state and of the rest, so that nothing is gathered and all of them share the writing.
#pragma once

#include <torch/nn/module.h>

#include <optional>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/json.h"
#include "steps/checkpoint.h"
#include "steps/checkpoint_writer.h"
#include "steps/flat_parameters.h"
#include "steps/gradient_exchange.h"
#include "steps/local_steps.h"
#include "steps/model_selection.h"
#include "steps/moving_average.h"
#include "steps/optimizer.h"

namespace rankflow {

/// All that a training goes on from, beside its progress.
struct TrainingState {
  const torch::nn::Module& model;
  const FlatParameters& parameters;
  const GradientExchange& exchange;
  const Optimizer& optimizer;
  const std::optional<LocalSteps>& local;
  const std::optional<MovingAverage>& average;
  const ModelSelection& selection;
};

class TrainingCheckpoints {
 public:
  /// Keeps references. `device`: of the same ranks, for memory where the tensors are.
  TrainingCheckpoints(Communicator& comm, Communicator& device, Checkpoints& files,
                      const TrainingState& state)
      : comm_(comm), device_(device), files_(files), state_(state) {}

  /// Gives all ranks the newest usable checkpoint, made on any number of them, and returns its progress; where there is none,
  /// the first rank's weights. Checkpoints that are passed over have a line each in the first rank's `notes`. Collective.
  std::optional<Json> restore(std::vector<std::string>& notes);
  /// Copies this rank's part and returns; threads write. Where the checkpoint before is still being written it waits for it.
  /// Throws, on all ranks, what writing that one threw on any. Collective.
  void save(std::int64_t step, const Json& progress);
  /// Whether this rank has something left to write that the checkpoint needs.
  bool unwritten() const { return !writer_.done(); }
  /// Whether the last checkpoint does not count yet; the same on all ranks.
  bool uncommitted() const { return uncommitted_.has_value(); }
  /// Once no rank has anything left to write: the checkpoint counts from now on. On all ranks at the same step; nothing happens where it counts
  /// already. Communicates nothing.
  void commit();
  /// Returns when the last checkpoint is on disk and counts. Throws, on all ranks, what writing threw on any. Collective.
  void finish();

 private:
  /// A flat buffer: of all parameters, or of this rank's part.
  struct Flat {
    std::string name;
    at::Tensor tensor;
    bool divided;
  };
  struct Uncommitted {
    std::int64_t step;
    std::string set;
    Json about, progress;
  };

  bool first() const { return comm_.rank() == 0; }
  Range own() const { return state_.exchange.parts()[static_cast<std::size_t>(comm_.rank())]; }
  Json layout() const;
  std::vector<NamedTensor> whole(const std::vector<NamedTensor>& optimizer_state) const;
  std::vector<Flat> flats() const;
  std::vector<NamedTensor> rest() const;
  std::vector<NamedTensor> part_of_this_rank() const;

  void save_set(std::int64_t step, const Json& progress);
  std::string take_whole(const std::optional<CheckpointFile>& file);
  std::string take_set(const std::string& path, const Json& about);
  struct Set;
  void read_parts(Set& set) const;
  void take_flats(const Set& set) const;
  void take_rest(const Set& set) const;

  Communicator &comm_, &device_;
  Checkpoints& files_;
  TrainingState state_;
  CheckpointWriter writer_;
  std::optional<Uncommitted> uncommitted_;  // the same on all ranks
};

}  // namespace rankflow
