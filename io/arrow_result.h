// Arrow's statuses as errors of ours. Kept to the .cpp files of io/ that include Arrow.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <string>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

inline void check_arrow(const arrow::Status& status, const std::string& doing) {
  if (status.ok()) return;
  if (status.IsOutOfMemory()) throw std::bad_alloc();
  throw Error(ExitStatus::bad_data, str(doing, ": ", status.message()));
}

template <typename T>
T value_of(arrow::Result<T> result, const std::string& doing) {
  check_arrow(result.status(), doing);
  return std::move(result).ValueUnsafe();
}

}  // namespace rankflow
