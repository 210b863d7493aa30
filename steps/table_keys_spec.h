// Keys that say how a table is written and read: of prepare, profile and score.
#pragma once

#include <string>
#include <vector>

#include "runtime/field.h"

namespace rankflow {

Fields table_keys();
/// Texts of cells without a value where the key `missing` isn't given.
const std::vector<std::string>& usual_missing();
/// What their types can't say. Throws Error (configuration).
void check_table_keys(const Json& parameters);
/// That no name stands twice in a list. `where`: the list's key. Throws Error (configuration).
void check_unique(const Json& names, const std::string& where);

}  // namespace rankflow
