// Keys that say how a table is written and read: of prepare, profile and score.
#pragma once

#include <string>

#include "runtime/field.h"

namespace rankflow {

Fields table_keys();
/// What their types can't say. Throws Error (configuration).
void check_table_keys(const Json& parameters);
/// That no name stands twice in a list. `where`: the list's key. Throws Error (configuration).
void check_unique(const Json& names, const std::string& where);

}  // namespace rankflow
