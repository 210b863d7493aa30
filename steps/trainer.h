// The training loop: epochs, global batches, gradients summed over ranks, checkpoints.
#pragma once

#include <optional>
#include <span>

#include "runtime/step.h"
#include "steps/batch_loader.h"
#include "steps/checkpoint.h"
#include "steps/flat_parameters.h"
#include "steps/gradient_reducer.h"
#include "steps/model.h"
#include "steps/optimizer.h"
#include "steps/training_step.h"

namespace rankflow {

/// How to train: the keys of a train step.
struct TrainingPlan {
  explicit TrainingPlan(const Json& parameters);

  std::int64_t epochs, batch_size;
  std::uint64_t seed;
  bool shuffle, keep_best;
  std::int64_t every_epochs, every_batches;  // checkpoints; 0: not
  double every_seconds;
};

/// What to train, and on what; all ranks hold the same.
struct TrainingSetup {
  Model& model;        // parameters, buffers, and the forward pass for validation
  TrainingStep& step;  // makes the gradients of the model's parameters
  Task task;
  TargetScale target;
  const BatchLoader& train;
  const BatchLoader* validation;  // may be null
  Json optimizer;                 // the key `optimizer:`
  Checkpoints& checkpoints;
};

struct TrainingResult {
  Json metrics;                   // of the epoch whose weights the model has now
  Json history;                   // one object per epoch: epoch (from 1), train_loss, validation_…
  double samples_per_second = 0;  // over all ranks; 0 where nothing was left to train
};

class Trainer {
 public:
  Trainer(StepContext& context, TrainingPlan plan, const TrainingSetup& setup);

  /// Trains to the end, from the newest checkpoint where there is one. Throws Stopped after saving a
  /// checkpoint when asked to stop, and Error (bad_data), on all ranks together, where loss or gradient are
  /// not finite. Collective.
  TrainingResult run();

 private:
  /// Where the training stands: what a checkpoint holds beside tensors.
  struct Progress {
    std::int64_t epoch = 0, batch = 0;  // the next to do; batch counts within the epoch
    std::int64_t step = 0;              // global batches done
    double epoch_loss = 0;              // sum over the rows of this epoch so far
    std::int64_t best_epoch = 0;        // from 1; 0: none yet
    double best_loss = 0;
    Json history = Json::array();

    Json to_json() const;
    static Progress from_json(const Json& json);
  };
  /// Values that are reduced in the same collective as the gradients.
  enum Extra { loss, stop, checkpoint_due, extras };

  void start();
  void train_epoch();
  void train_batch(std::span<const std::int64_t> order);
  at::Tensor forward_backward(std::span<const std::int64_t> rows, std::int64_t global_rows);
  [[noreturn]] void refuse_batch(std::span<const std::int64_t> rows, const at::Tensor& losses);
  void finish_epoch();
  void keep_if_best(const Json& metrics);
  void take_best();
  void save_checkpoint();
  bool checkpoint_is_old() const;
  std::vector<NamedTensor> checkpoint_tensors() const;
  void report_progress(double batch_loss);

  StepContext& context_;
  TrainingPlan plan_;
  TrainingSetup setup_;
  std::int64_t rows_, batches_;
  FlatParameters parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  GradientReducer reducer_;
  std::vector<NamedTensor> best_;  // copies of the model's tensors; empty unless the best are kept
  Progress progress_;
  double last_checkpoint_ = 0, training_seconds_ = 0;
  std::int64_t trained_rows_ = 0;
};

}  // namespace rankflow
