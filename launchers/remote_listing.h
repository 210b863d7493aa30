// What lies in an object store, asked by a program without the libraries for that: rankflow-rank lists it in a process of its own.
#pragma once

#include <string>

#include "io/location.h"

namespace rankflow {

/// `rankflow-rank --list-remote LOCATION` prints {"digest": …} or {"error": …}, and ends.
inline constexpr const char* list_remote_word = "--list-remote";

/// The digest of a listing (io/remote_store.h). Throws Error as listing does.
std::string list_remote(const Location& location);

}  // namespace rankflow
