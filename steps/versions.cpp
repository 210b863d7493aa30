#include "steps/versions.h"

#include <torch/version.h>

#include "io/versions.h"

namespace rankflow {

Json library_versions() {
  Json versions = data_library_versions();
  versions["torch"] = TORCH_VERSION;
  return versions;
}

}  // namespace rankflow
