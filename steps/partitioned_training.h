// A training for every partition of a dataset, each by one rank as it would be alone: thousands of small models.
#pragma once

#include "steps/train_model.h"

namespace rankflow {

/// Trains a model for each combination of values of the key `partition_by`, with the step's other keys, and writes them to
/// the output `model` (models_file.h). Partitions go to the ranks by size, those with the most rows first; results depend on
/// a partition's rows alone. Goes on from what an earlier run of the same step finished. A partition whose rows are of one
/// class, or whose training fails for its data, counts as failed. Throws Error (bad_data) where more fail than
/// `error_threshold` says, Error (configuration), and Stopped. Collective.
void train_partitions(StepContext& context, const TrainingPlan& plan, const Dataset& train,
                      const Dataset* validation);

}  // namespace rankflow
