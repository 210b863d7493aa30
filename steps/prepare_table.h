// Prepares tables of any size and format: every rank goes through its own pieces, first to learn (types, statistics, categories,
// classes), then to write. Parts, statistics and vocabularies have the same bytes on any number of ranks.
#pragma once

#include "runtime/step.h"

namespace rankflow {

/// Collective. Writes the datasets and reports what they hold.
void prepare_table(StepContext& context);

}  // namespace rankflow
