#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

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

MappedFile::MappedFile(MappedFile&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), size_(std::exchange(other.size_, 0)) {}

}  // namespace rankflow
