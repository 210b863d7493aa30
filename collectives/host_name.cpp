#include "collectives/host_name.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

std::string host_name() {
  // POSIX allows 255 characters; a longer name may come back without its final zero.
  std::array<char, 257> name{};
  if (gethostname(name.data(), name.size() - 1) != 0)
    throw Error(ExitStatus::internal, str("gethostname failed: ", std::strerror(errno)));
  return name.data();
}

}  // namespace rankflow
