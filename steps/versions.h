// Versions of everything that computes, for run records: results may differ between them.
#pragma once

#include "io/json.h"

namespace rankflow {

/// {"torch": "2.13.0", "hdf5": "1.10.8", "arrow": "26.0.1"}
Json library_versions();

}  // namespace rankflow
