#include "io/file_range.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

/// File systems and kernels that can't copy within the kernel say so in many ways.
bool not_offered(int error) {
  return error == EXDEV || error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EBADF ||
         error == ETXTBSY;
}

}  // namespace

void resize(const File& file, std::int64_t bytes) {
  while (ftruncate(file.fd(), bytes) != 0) {
    if (errno != EINTR)
      throw system_error(str("cannot make room for ", human_bytes(static_cast<double>(bytes)), " in"),
                         file.path(), errno);
  }
}

void write_at(const File& file, std::int64_t offset, std::string_view data) {
  while (!data.empty()) {
    const auto n = pwrite(file.fd(), data.data(), data.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error("cannot write", file.path(), errno);
    data.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
}

void copy_range(const File& from, std::int64_t from_offset, const File& to, std::int64_t to_offset,
                std::int64_t bytes) {
  constexpr std::int64_t piece = std::int64_t{4} << 20;
  bool in_kernel = true;
  std::vector<char> buffer;
  while (bytes > 0) {
    if (in_kernel) {
      off_t source = from_offset, target = to_offset;
      const auto n =
          copy_file_range(from.fd(), &source, to.fd(), &target, static_cast<std::size_t>(bytes), 0);
      if (n > 0) {
        from_offset += n, to_offset += n, bytes -= n;
        continue;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && !not_offered(errno)) throw system_error("cannot write", to.path(), errno);
      in_kernel = false;  // n == 0: also what some kernels say of files that they can't copy
    }
    buffer.resize(static_cast<std::size_t>(std::min(piece, bytes)));
    const auto got = pread(from.fd(), buffer.data(), buffer.size(), from_offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_error("cannot read", from.path(), errno);
    if (got == 0) throw Error(ExitStatus::bad_data, str(from.path(), " is cut off"));
    write_at(to, to_offset, {buffer.data(), static_cast<std::size_t>(got)});
    from_offset += got, to_offset += got, bytes -= got;
  }
}

}  // namespace rankflow
