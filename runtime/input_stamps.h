// The state of the files that a step reads where they lie, before and after: what it made of files that changed meanwhile is not the
// result that its fingerprint names.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/file.h"

namespace rankflow {

class InputStamps {
 public:
  /// Notes the files at and below `paths`. Throws Error as list_tree() and stamp_of() do.
  explicit InputStamps(std::vector<std::string> paths);
  /// Throws Error (bad_data) that names a file which changed, came or went since.
  void check_unchanged() const;

 private:
  std::vector<std::string> paths_;
  std::map<std::string, FileStamp> stamps_;
};

}  // namespace rankflow
