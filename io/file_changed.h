// What is said of a file that others write to while it is read.
#pragma once

#include <string>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

inline Error file_changed(const std::string& path) {
  return Error(ExitStatus::bad_data, str(path, " changed while it was read"),
               "run again when it is complete");
}

}  // namespace rankflow
