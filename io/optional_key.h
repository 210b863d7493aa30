// Keys of a JSON object that may be absent, or null, which mean the same: nothing was given.
#pragma once

#include <string>

#include "io/json.h"

namespace rankflow {

inline bool given(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  return found != object.end() && !found->is_null();
}

/// The key's value; null where there is none.
inline const Json& value_or_null(const Json& object, const std::string& key) {
  static const Json absent = nullptr;
  const auto found = object.find(key);
  return found == object.end() ? absent : *found;
}

}  // namespace rankflow
