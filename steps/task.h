// What is learnt: a class or a number. It decides what the target's values may be.
#pragma once

#include "collectives/communicator.h"
#include "io/dataset.h"

namespace rankflow {

enum class Task { classification, regression };
const char* name(Task task);

/// Reads `task` of a dataset's schema; throws Error (bad_data) where it is missing or unknown.
Task task_of(const Json& schema);

/// Regression learns (target - mean) / scale, so that learning rates mean the same for seconds and for
/// dollars.
struct TargetScale {
  double mean = 0;
  double scale = 1;
};

/// Reads all targets, each rank a share of the parts, and checks them: classes in 0 … classes-1, numbers
/// finite. Returns the mean and the standard deviation over all rows for regression (the same on any number
/// of ranks), {0, 1} for classification. Throws Error (bad_data) naming the dataset's row. Collective.
TargetScale check_targets(const Dataset& data, Communicator& comm);

}  // namespace rankflow
