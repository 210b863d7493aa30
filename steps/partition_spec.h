// The keys of a train step that trains one model for each partition of its data.
#pragma once

#include "runtime/field.h"

namespace rankflow {

Fields partition_fields();
/// Throws Error (configuration) for keys that don't go together.
void check_partition_keys(const Json& parameters);

}  // namespace rankflow
