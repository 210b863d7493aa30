#include "io/lazy_bytes.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace rankflow {
namespace {

constexpr std::uint64_t window_bytes = std::uint64_t{64} << 10;

std::size_t windows_of(std::uint64_t bytes) {
  return static_cast<std::size_t>((bytes + window_bytes - 1) / window_bytes);
}

}  // namespace

LazyBytes::LazyBytes(const std::string& bytes)
    : size_(bytes.size()),
      data_(std::make_unique_for_overwrite<char[]>(bytes.size())),
      loaded_(windows_of(bytes.size()), true) {
  std::memcpy(data_.get(), bytes.data(), bytes.size());
}

LazyBytes::LazyBytes(File file) : file_(std::move(file)) {
  struct stat s {};
  if (fstat(file_.fd(), &s) != 0) throw system_error("cannot look at", file_.path(), errno);
  size_ = static_cast<std::uint64_t>(s.st_size);
  data_ = std::make_unique_for_overwrite<char[]>(size_);
  loaded_.assign(windows_of(size_), false);
}

std::string_view LazyBytes::at(std::uint64_t offset, std::uint64_t bytes) const {
  if (offset >= size_) return {};
  bytes = std::min(bytes, size_ - offset);
  for (std::uint64_t w = offset / window_bytes; w < windows_of(offset + bytes); ++w) {
    if (!loaded_[w] && !load(w)) return {};
  }
  return {data_.get() + offset, bytes};
}

bool LazyBytes::load(std::uint64_t window) const {
  std::uint64_t at = window * window_bytes;
  const std::uint64_t end = std::min(at + window_bytes, size_);
  while (at < end) {
    const ssize_t got = pread(file_.fd(), data_.get() + at, end - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;  // shorter than it was, or unreadable by now
    at += static_cast<std::uint64_t>(got);
  }
  loaded_[window] = true;
  return true;
}

}  // namespace rankflow
