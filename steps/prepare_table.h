// Prepares tables (CSV): derived columns, rows that are kept, target, numeric scaling and categories.
#pragma once

#include "steps/dataset_writer.h"

namespace rankflow {

/// Collective. Every rank reads the whole table and computes its derived columns; statistics and parts are
/// divided.
PreparedData prepare_table(StepContext& context);

}  // namespace rankflow
