// What a person sees of a training: the resolved settings at the start, a live line, a line per epoch.
#pragma once

#include <string>

#include "runtime/step.h"
#include "steps/time_spent.h"
#include "steps/training_plan.h"
#include "steps/training_progress.h"

namespace rankflow {

/// Every method does something on the first rank only. The log is rank-0.log of the step's log folder: what
/// `rankflow logs STEP` prints.
class TrainingLog {
 public:
  explicit TrainingLog(StepContext& context) : context_(context) {}

  /// Appends to the log, as it is. Throws Error (io).
  void write(const std::string& text);
  /// The live line.
  void batch(const TrainingPlan& plan, const TrainingProgress& progress, std::int64_t rows, double loss,
             const TimeSpent& spent);
  /// A line of the log, and on the terminal where the last one is not younger than a second; the metrics as
  /// rows of the step's metrics file. Throws Error (io).
  void epoch(const TrainingPlan& plan, const Json& metrics, double learning_rate, const TimeSpent& spent);

 private:
  StepContext& context_;
  double last_line_ = 0;
  TimeSpent before_;  // at the end of the epoch before
};

}  // namespace rankflow
