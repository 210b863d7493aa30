// The training loop: epochs, global batches, gradients summed over ranks, checkpoints.
#pragma once

#include <optional>
#include <span>

#include "runtime/step.h"
#include "steps/batch_queue.h"
#include "steps/device.h"
#include "steps/flat_parameters.h"
#include "steps/gradient_exchange.h"
#include "steps/learning_rate.h"
#include "steps/local_steps.h"
#include "steps/model.h"
#include "steps/model_selection.h"
#include "steps/moving_average.h"
#include "steps/optimizer.h"
#include "steps/read_ahead.h"
#include "steps/shared_buffers.h"
#include "steps/time_spent.h"
#include "steps/training_checkpoints.h"
#include "steps/training_log.h"
#include "steps/training_plan.h"
#include "steps/training_progress.h"
#include "steps/training_settings.h"
#include "steps/training_step.h"

namespace rankflow {

/// What to train, and on what; all ranks hold the same.
struct TrainingSetup {
  const StepDevice& device;  // where the model and the batches are
  Model& model;              // parameters, buffers, and the forward pass for validation
  TrainingStep& step;        // makes the gradients of the model's parameters
  Task task;
  TargetScale target;
  const BatchLoader& train;
  const BatchLoader* validation;  // may be null
  bool assemble_ahead;            // batches, by a thread
  Checkpoints& checkpoints;
  Settings settings;  // more lines for the table at the start
};

struct TrainingResult {
  Json metrics;                   // of the epoch whose weights the model has now
  Json history;                   // one object per epoch: epoch (from 1), train_loss, validation_…
  double samples_per_second = 0;  // over all ranks, without validation; 0 where nothing was left to train
};

class Trainer {
 public:
  Trainer(StepContext& context, TrainingPlan plan, const TrainingSetup& setup);

  /// Trains to the end, from the newest checkpoint where there is one. Throws Stopped after saving a
  /// checkpoint when asked to stop, and Error (bad_data), on all ranks together, where loss or gradient are
  /// not finite. Collective.
  TrainingResult run();

 private:
  /// Values that are reduced in the same collective as the gradients.
  enum Extra { loss, stop, checkpoint_due, unwritten, extras };
  /// This rank's rows whose loss is not finite, in the first batch of the epoch that has any; `share`: all of its rows there.
  struct NotFinite {
    std::int64_t count = 0, first = -1, batch = 0, share = 0;
  };
  /// Of a micro-batch; looked at only where their sum is not finite.
  struct RowLosses {
    at::Tensor losses;
    std::int64_t micro = 0;
  };

  void start();
  void train_epoch();
  void train_batch();
  double joint_step(Range batch);
  double local_step(Range batch);
  void end_round();
  bool ranks_agree() const;
  void compute_gradients(Range batch, std::int64_t counted);
  void compute_part(const Batch& piece, std::int64_t micro, std::int64_t counted);
  void note_not_finite(Range batch);
  std::int64_t share_of(Range batch) const;
  std::span<const std::int64_t> rows_of(Range batch, std::int64_t micro) const;
  bool reduce_gradients();
  void update_parameters();
  [[noreturn]] void refuse();
  void finish_epoch();
  Json measure_epoch();
  void save_checkpoint();
  bool checkpoint_is_old() const;

  StepContext& context_;
  TrainingPlan plan_;
  TrainingSetup setup_;
  std::int64_t rows_, batches_;
  FlatParameters parameters_;
  GradientExchange exchange_;
  std::unique_ptr<Optimizer> optimizer_;  // of what this rank updates
  std::optional<LocalSteps> local_;
  LearningRate learning_rate_;
  std::optional<MovingAverage> average_;
  ModelSelection selection_;
  SharedBuffers buffers_;
  std::vector<std::int64_t> order_;  // of the rows in this epoch
  std::optional<ReadAhead> read_ahead_;
  BatchQueue input_;  // this rank's micro-batches of the epoch
  TrainingLog log_;
  TrainingProgress progress_;
  TrainingCheckpoints checkpoints_;
  TimeSpent spent_;
  NotFinite bad_;
  std::vector<RowLosses> row_losses_;  // of the batch
  double gradient_norm_ = 0, last_checkpoint_ = 0;
  double round_loss_ = 0;  // local steps: sum over this rank's rows since the ranks last agreed
  bool checkpoint_counted_ = false;
};

}  // namespace rankflow
