// Arrow tables as the bytes of an IPC stream. For the .cpp files of io/ that include Arrow.
#pragma once

#include <arrow/type_fwd.h>

#include <string>

namespace rankflow {

/// Copies every value once. `doing`: for messages. Throws Error (bad_data).
std::string ipc_stream(const arrow::Table& table, const std::string& doing);

}  // namespace rankflow
