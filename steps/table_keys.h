// What a step's keys say about how a table is written and read.
#pragma once

#include "io/json.h"
#include "io/table_file.h"

namespace rankflow {

/// `format`, `files`, `header`, `columns`, `delimiter`, `missing`, `encoding`, `schema` and `datasets` of a step (table_keys_spec.h).
TableOptions table_options(const Json& parameters);

}  // namespace rankflow
