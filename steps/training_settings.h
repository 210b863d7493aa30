// The resolved settings of a training, for the table at its start.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/step.h"
#include "steps/flat_parameters.h"
#include "steps/learning_rate.h"
#include "steps/training_plan.h"

namespace rankflow {

using Settings = std::vector<std::pair<std::string, std::string>>;

/// What follows from the plan, the data's rows and the ranks.
Settings resolved_settings(const StepContext& context, const TrainingPlan& plan, std::int64_t rows,
                           const FlatParameters& parameters, const LearningRate& learning_rate);

/// One line per setting, values in a column.
std::string settings_table(const Settings& settings);

}  // namespace rankflow
