// Names of the columns of a score step's results, checked before files have them.
#pragma once

#include <string>
#include <vector>

#include "io/result_table.h"

namespace rankflow {

/// Throws Error (configuration): two columns would have the same name in one of `formats` (of a matrix its own name, in HDF5, and
/// those of its labels), or one has a name that no column can have there. `hint`: what to do about it.
void check_result_names(const ResultSchema& schema, const std::vector<std::string>& formats,
                        const std::string& hint);

}  // namespace rankflow
