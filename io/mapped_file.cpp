#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {

MappedFile::MappedFile(const std::string& path) {
  // O_NONBLOCK: opening a FIFO returns at once, and is refused below.
  const File file(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (fstat(file.fd(), &status) != 0) throw system_error("cannot look at", path, errno);
  if (!S_ISREG(status.st_mode)) throw Error(ExitStatus::bad_data, str(path, " is no regular file"));
  size_ = static_cast<std::uint64_t>(status.st_size);
  if (size_ == 0) return;
  void* address = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.fd(), 0);
  if (address == MAP_FAILED) throw system_error("cannot map", path, errno);
  address_ = address;
}

MappedFile::~MappedFile() {
  if (address_) munmap(address_, size_);
}

void MappedFile::will_need(std::uint64_t offset, std::uint64_t bytes) const {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = offset / page * page, end = std::min(size_, offset + bytes);
  if (begin >= end) return;
  // What is read ahead is used once, as it comes. A page that was used through a map counts as wanted again, and outlives
  // pages that nobody has used yet when memory is short: the kernel would drop what was read ahead. Not so where the map is
  // said to be read in sequence (mm/rmap.c, folio_referenced_one).
  madvise(address_, size_, MADV_SEQUENTIAL);
  // Linux cuts each piece of advice to the read-ahead of the disk (mm/readahead.c, force_page_cache_ra), 128 KiB
  // unless somebody set another. It is advice: a kernel that can't take it reads when the bytes are wanted.
  constexpr std::uint64_t read_ahead = 128 << 10;
  for (std::uint64_t at = begin; at < end; at += read_ahead)
    madvise(static_cast<std::byte*>(address_) + at, std::min(read_ahead, end - at), MADV_WILLNEED);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

}  // namespace rankflow
