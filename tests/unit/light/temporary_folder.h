// A unique folder for one test, removed with everything in it afterwards.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "io/file.h"

namespace rankflow {

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(absolute_path(::testing::TempDir() + "/rankflow-" + unique_suffix())) {
    make_directories(path_);
  }
  ~TemporaryFolder() {
    try {
      remove_tree(path_);
    } catch (const std::exception& e) {
      ADD_FAILURE() << e.what();
    }
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace rankflow
