// Trains one model on one dataset: what a train step does once, and a step with `partition_by` for every partition.
#pragma once

#include <memory>

#include "runtime/step.h"
#include "steps/trainer.h"

namespace rankflow {

struct TrainedModel {
  std::shared_ptr<Model> model;  // float32
  TargetScale target;
  TrainingResult result;
};

/// Throws Error (bad_data) where the dataset in `folder` has no rows.
std::unique_ptr<Dataset> open_rows(const std::string& folder);
/// Throws Error (configuration, bad_data) where the plan does not go with the data: `validation` (may be null) is the
/// dataset in `validation_folder`.
void require_fit(const TrainingPlan& plan, const Dataset& train, const Dataset* validation,
                 const std::string& validation_folder);

/// What saved state must share with a training to be of use to it: all but what changes no result.
Json training_configuration(const Json& parameters, const DatasetInfo& data);

/// Trains on the ranks of context.comm, from a checkpoint in context.checkpoints where there is one of the same training.
/// Throws Stopped, and Error (bad_data, configuration) where model, data and plan don't fit or the loss is not finite.
/// Collective.
TrainedModel train_model(StepContext& context, const TrainingPlan& plan, const Dataset& train,
                         const Dataset* validation);

}  // namespace rankflow
