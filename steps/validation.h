// Loss and metrics of a model on a whole dataset while it is being trained.
#pragma once

#include "collectives/communicator.h"
#include "steps/batch_loader.h"
#include "steps/model.h"

namespace rankflow {

/// {validation_loss, validation_accuracy} or {validation_loss, validation_rmse, validation_mae}; the loss as
/// training sees it, errors in the target's own units. Ranks take consecutive mini-batches whose sums are
/// added in row order, so that the result does not depend on the number of ranks. Leaves the model in
/// evaluation mode. Collective.
Json validation_metrics(Model& model, const BatchLoader& data, Task task, const TargetScale& scale,
                        Communicator& comm);

}  // namespace rankflow
