// The name of this host as the system gives it.
#pragma once

#include <string>

namespace rankflow {

/// gethostname(2); throws Error (internal) where the system has none to give.
std::string host_name();

}  // namespace rankflow
