#include "io/versions.h"

#include <arrow/config.h>
#include <hdf5.h>

#include "base/text.h"

namespace rankflow {

Json data_library_versions() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return {{"hdf5", str(major, ".", minor, ".", release)}, {"arrow", arrow::GetBuildInfo().version_string}};
}

}  // namespace rankflow
