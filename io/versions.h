// Versions of the libraries that read and write data, for run records.
#pragma once

#include "io/json.h"

namespace rankflow {

/// {"hdf5": "1.10.8", "arrow": "26.0.1"}
Json data_library_versions();

}  // namespace rankflow
