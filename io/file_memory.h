// Remembers facts derived from a file's content (its digest, say) by path and stamp, so that unchanged files
// need only a stat(2). One file per user, a cache: it may be deleted at any time, and is never trusted about
// a file that could have changed within the clock's grain of being read.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/fact_table.h"
#include "io/file.h"

namespace rankflow {

/// Not thread-safe.
class FileMemory {
 public:
  /// Loads the memory kept at `path`; a missing or damaged one is empty. "" keeps nothing.
  explicit FileMemory(std::string path);

  /// The fact remembered for `path` under `topic` (a letter per kind of fact), or `compute(path)`, remembered
  /// for next time. Throws Error (io) where the file is missing, (bad_data) where it changed while it was
  /// read, and what `compute` throws.
  std::string fact(const std::string& path, char topic,
                   const std::function<std::string(const std::string&)>& compute);
  /// The same; nullopt where the file is missing.
  std::optional<std::string> fact_if_exists(const std::string& path, char topic,
                                            const std::function<std::string(const std::string&)>& compute);
  /// SHA-256 of the file's content.
  std::string digest(const std::string& path);
  std::optional<std::string> digest_if_exists(const std::string& path);

  /// Writes what is new, atomically, without fsync; a failure is logged, not thrown: it is a cache.
  void save();

  /// $RANKFLOW_CACHE_DIR, $XDG_CACHE_HOME/rankflow or ~/.cache/rankflow; "" where there is none of these.
  static std::string default_path();

 private:
  struct NewFact {
    FileStamp stamp;
    std::string value;
    std::size_t number;  // in the order in which they were learnt
  };
  std::string encode() const;

  std::string path_;
  FactTable kept_;                                // as it was loaded
  std::vector<Fact> used_;                        // those of kept_ that were asked for
  std::unordered_map<std::string, NewFact> new_;  // key: topic + path
  bool changed_ = false;
};

}  // namespace rankflow
