#include "io/remote_copy.h"

#include <fcntl.h>

#include "base/error.h"
#include "base/parallel.h"
#include "base/text.h"
#include "io/file.h"
#include "io/remote_store.h"

namespace rankflow {
namespace {

constexpr int files_at_once = 8;  // servers answer slowly, and several at a time

void copy_file(RemoteStore& from, const RemoteFile& file, const std::string& to) {
  make_directories(parent_of(to));
  File out(to, O_WRONLY | O_CREAT | O_EXCL);
  if (file.size != 0) {
    from.read(file, {0, file.size}, [&](std::span<const std::byte> bytes) {
      out.write_all({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    });
  }
  out.close();
}

void check_digest(const Location& location, const std::string& path) {
  File file(path, O_RDONLY);
  const std::string found = digest_of(file);
  if (found == location.sha256) return;
  throw Error(ExitStatus::bad_data,
              str(shown(location), " has the SHA-256 ", found, ", not ", location.sha256),
              "another version of the file, or another sha256");
}

}  // namespace

void copy_remote(const Location& location, const std::string& to) {
  const auto remote = open_remote_store(location);
  const auto files = remote->list();
  const bool is_file = files.size() == 1 && files[0].path.empty();
  if (!location.sha256.empty() && !is_file)
    throw Error(ExitStatus::bad_data, str(shown(location), " is a folder; a checksum is of one file"),
                "leave out sha256");
  for_each_item(std::ssize(files), files_at_once, [&](std::int64_t i) {
    const RemoteFile& file = files[static_cast<std::size_t>(i)];
    copy_file(*remote, file, file.path.empty() ? to : str(to, "/", file.path));
  });
  if (!location.sha256.empty()) return check_digest(location, to);
  if (listing_digest(remote->list()) != listing_digest(files))
    throw Error(ExitStatus::bad_data, str(shown(location), " changed while it was copied"),
                "the same command, once nobody writes there");
}

}  // namespace rankflow
