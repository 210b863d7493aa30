// Brings a trainer's flat gradients together over the ranks, while backward runs where that pays: what of the
// buffer travels when, which hooks say that it may, and what of the parameters each rank updates.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "collectives/gradient_reducer.h"
#include "runtime/step.h"
#include "steps/backward_hooks.h"
#include "steps/device.h"
#include "steps/device_reducer.h"
#include "steps/flat_parameters.h"
#include "steps/shard_tree.h"
#include "steps/sharded_exchange.h"
#include "steps/training_plan.h"

namespace rankflow {

/// The parts of the buffer in the order in which backward makes them final, commonly from the last layer to the
/// first, and for each parameter (in the order of its slots) which part its gradient is.
struct ExchangeOrder {
  std::vector<GradientPiece> pieces;
  std::vector<std::size_t> piece_of_slot;
};
ExchangeOrder exchange_order(const FlatParameters& parameters);

class GradientExchange {
 public:
  /// Collective over the step's ranks. May move the parameters to memory that the ranks share. Throws Error (configuration) where the plan wants gradients in a format
  /// that does not go with its precision.
  GradientExchange(const StepContext& context, const StepDevice& device, FlatParameters& parameters,
                   const TrainingPlan& plan);

  /// In how many micro-batches a rank works through its share of a global batch; in deterministic trainings each is a
  /// virtual shard.
  std::int64_t micro_batches() const { return micro_batches_; }
  /// Before each micro-batch's backward pass: gradients travel during the last one of a global batch.
  void begin_backward(bool last) {
    if (reducer_) reducer_->set_communication(last);
    if (device_reducer_) device_reducer_->set_communication(last);
    norm_is_known_ = false;
  }
  /// After each one, also where the micro-batch had no rows and no pass.
  void end_backward() {
    if (tree_) tree_->add();
  }
  /// After the last one: own() of the gradients, and what is reduced along, holds sums over the ranks. On a GPU that and the
  /// norm are only queued, and known after StepDevice::synchronize(). Collective.
  void finish();
  /// The elements of the flat buffers that this rank updates: all of them, with the same bits on each rank, or its part
  /// where the optimizer is sharded or the values are in shared memory.
  Range own() const { return shards_ ? shards_->own() : Range{0, parameters_.values().numel()}; }
  /// Of the whole gradient, after finish(). Collective.
  double norm() const;
  /// Whether own() is a part, so that values have to be shared after an update.
  bool divides_update() const { return shards_.has_value(); }
  /// After own() of the values was updated: returns when all values are. Collective; where the update is divided.
  void share_values() const { shards_->share(); }
  /// By rank: what each has the norm of and, where the update is divided, updates.
  const std::vector<Range>& parts() const { return parts_; }
  /// Collective, after the last batch.
  void close();

  std::string description() const;
  /// The description, where this call has not yet told it or it has been decided since.
  std::optional<std::string> news();

 private:
  void exchange_on_host(const StepContext& context, const TrainingPlan& plan);
  void exchange_on_gpus(const StepContext& context, const StepDevice& device, const TrainingPlan& plan);
  void add_hooks(std::function<void(std::size_t)> ready);
  void queue_norm();

  FlatParameters& parameters_;
  const std::vector<Range> parts_;  // the norm is added up over them, as where each rank knows its own alone
  std::int64_t micro_batches_;
  // One of the four, or none: one GPU.
  std::optional<GradientReducer> reducer_;
  std::optional<DeviceReducer> device_reducer_;
  std::optional<ShardTree> tree_;
  std::optional<ShardedExchange> shards_;
  std::optional<BackwardHooks> hooks_;
  std::string why_messages_;  // and not shared memory; "" where that was not looked at
  at::Tensor norm_;           // on a GPU: a number in page-locked memory of the host
  bool norm_is_known_ = false;
  bool told_ = false, told_decision_ = false;
};

}  // namespace rankflow
