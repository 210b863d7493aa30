// All that lies at a Location, brought to this machine by one process.
#pragma once

#include <string>

#include "io/location.h"

namespace rankflow {

/// Copies a file, or all files of a folder, to `to`, where nothing is yet; several at a time. Throws Error: bad_data where they changed
/// meanwhile or don't have the declared SHA-256, and as RemoteStore does.
void copy_remote(const Location& location, const std::string& to);

}  // namespace rankflow
