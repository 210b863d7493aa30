// JSON that is to be sent or shown, whatever texts are in it.
#pragma once

#include <string>

#include "io/json.h"

namespace rankflow {

/// The JSON in one line. Bytes that are no UTF-8, in what a program, a file's name or an exception says, become U+FFFD: where dump()
/// would throw, a message about a failure must not fail.
inline std::string json_text(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace rankflow
