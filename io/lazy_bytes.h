// The bytes of a file, read in windows when they are first looked at: a large file of which little is wanted costs little.
// Not a mapping: where the file is replaced on a network file system, reading fails, and a mapping would end the process.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/file.h"

namespace rankflow {

/// Used by one thread at a time.
class LazyBytes {
 public:
  LazyBytes() = default;
  /// All there already.
  explicit LazyBytes(const std::string& bytes);
  /// Those that `file` has now. Throws Error (io).
  explicit LazyBytes(File file);

  std::uint64_t size() const { return size_; }
  /// Valid as long as this object. Shorter where the file ends before; empty where it can't be read.
  std::string_view at(std::uint64_t offset, std::uint64_t bytes) const;
  /// Where a view that at() gave begins.
  std::uint64_t offset_of(std::string_view view) const {
    return static_cast<std::uint64_t>(view.data() - data_.get());
  }

 private:
  bool load(std::uint64_t window) const;

  File file_;
  std::uint64_t size_ = 0;
  std::unique_ptr<char[]> data_;  // pages that nothing was read into take no memory
  mutable std::vector<bool> loaded_;
};

}  // namespace rankflow
