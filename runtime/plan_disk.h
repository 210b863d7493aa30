// What planning asks of the disk, as an interface: the real one is made here, tests answer from memory.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/location.h"
#include "io/selection.h"
#include "io/store.h"

namespace rankflow {

class PlanDisk {
 public:
  virtual ~PlanDisk() = default;
  /// The usable record of a fingerprint (outputs whole); `problem` says what was wrong with a damaged one.
  virtual std::optional<ActionRecord> find_usable(const std::string& fingerprint, std::string* problem) = 0;
  /// Digest of a file or folder. Throws Error (io) naming it where it is missing.
  virtual std::string content_digest(const std::string& path) = 0;
  virtual std::string content_digest(const Selection& selection) = 0;
  /// Digest of a listing of what lies at a location (io/remote_store.h). Throws Error (io, permission) where it can't be listed.
  virtual std::string remote_digest(const Location& location) = 0;
  /// Absolute path of a program; "" where there is none. As execvp(3) does in working directory `folder`: a
  /// name with a
  /// '/' is a path, any other is looked up in `search_path` (PATH's form).
  virtual std::string find_program(const std::string& name, const std::string& folder,
                                   const std::string& search_path) = 0;
  /// Files below `folder` that a path or glob names (code_files.h); sorted, relative to `folder`.
  /// `skip_ignored` leaves out what .rankflowignore and .gitignore exclude.
  virtual std::vector<std::string> find_files(const std::string& pattern, const std::string& folder,
                                              bool skip_ignored) = 0;
  virtual std::optional<std::string> environment(const std::string& name) = 0;
};

/// How a location is listed: the planner has no libraries for that.
using ListRemote = std::function<std::string(const Location&)>;

std::unique_ptr<PlanDisk> make_plan_disk(Store& store, FileMemory& memory, ListRemote list_remote);

}  // namespace rankflow
