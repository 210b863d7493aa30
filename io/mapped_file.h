// A whole file in memory, read-only: its bytes are the page cache's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace rankflow {

class MappedFile {
 public:
  /// Maps `path`, which may be empty. Throws Error (io, permission; bad_data for what is no regular file).
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::uint64_t size() const { return size_; }
  /// Has the kernel read these bytes ahead; returns without waiting for them.
  void will_need(std::uint64_t offset, std::uint64_t bytes) const;
  const std::byte* data() const { return static_cast<const std::byte*>(address_); }

 private:
  void* address_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace rankflow
