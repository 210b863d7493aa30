// Copies of a step's inputs on the node's own disk (`access: download`): made once per node, checked against the content that the
// step was planned with, shared by all ranks there.
//
//   FOLDER/rankflow-<user id>/<digest>/…     the copy; it takes its place by a rename, so that it is whole or not there
//   FOLDER/rankflow-<user id>/<digest>.lock  held (flock, shared) by every process that uses the copy
//   FOLDER/rankflow-<user id>/.copying       held (flock) by the one process that looks for a copy or makes it
//
// The rule for what stays: a copy lives as long as a process uses it. The last one that lets go removes it, unless the site file
// lets copies be kept up to a size; then the oldest unused ones go. What a killed run left is unused, and goes the same way when the
// next one comes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/file.h"
#include "runtime/messages.h"

namespace rankflow {

class StagedInputs {
 public:
  StagedInputs() = default;
  /// Lets go of all copies; what can't be removed is only logged.
  ~StagedInputs();
  StagedInputs(const StagedInputs&) = delete;
  StagedInputs& operator=(const StagedInputs&) = delete;

  /// Makes the copy where no process of this node has made it yet, waiting for one that is at it, and keeps it until this object
  /// ends. Throws Error: bad_data where the bytes are not those that were planned with; io, permission.
  void acquire(const Download& download, const DownloadRules& rules);
  /// Where the copy of an acquired download lies.
  const std::string& path(const Download& download) const { return held_.at(download.digest).path; }
  /// Bytes copied by this process.
  std::uint64_t copied() const { return copied_; }

 private:
  struct Held {
    std::string path;  // of the file or folder
    File lock;
  };
  std::map<std::string, Held> held_;
  std::string folder_;
  double keep_bytes_ = 0;
  std::uint64_t copied_ = 0;
};

}  // namespace rankflow
