// The learning rate as a function of the number of steps done: nothing to save, so a resumed training goes on
// exactly.
#pragma once

#include <cstdint>

#include "io/json.h"

namespace rankflow {

class LearningRate {
 public:
  /// `spec`: the key `schedule:`, validated; `base`: the optimizer's learning_rate; a step is a global batch.
  /// Throws Error (configuration) where the warm-up is as long as the training.
  LearningRate(const Json& spec, double base, std::int64_t steps_per_epoch, std::int64_t epochs);

  /// Of the step after `done` steps. As torch.optim.lr_scheduler, stepped once a batch (StepLR: once an
  /// epoch): constant; step: StepLR; cosine: CosineAnnealingLR over the steps after the warm-up (Loshchilov
  /// and Hutter 2017); one_cycle: OneCycleLR without its change of momentum (Smith and Topin 2018). The
  /// warm-up is LinearLR.
  double at(std::int64_t done) const;
  std::int64_t warm_up_steps() const { return warm_up_; }

 private:
  double one_cycle(double done) const;

  enum class Kind { constant, step, cosine, one_cycle } kind_;
  double base_;
  std::int64_t steps_per_epoch_, total_, warm_up_ = 0;
  double warm_up_start_ = 1;
  std::int64_t every_epochs_ = 1;                  // step
  double factor_ = 1;                              // step
  double start_ = 1, final_ = 0, rise_share_ = 0;  // one_cycle; cosine: final_ alone
};

}  // namespace rankflow
