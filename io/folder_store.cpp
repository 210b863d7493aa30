#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/remote_store.h"
#include "io/tree.h"

namespace rankflow {
namespace {

constexpr std::size_t block = 4 << 20;

/// A folder, or a single file, of this machine or of storage that it mounts.
class FolderStore : public RemoteStore {
 public:
  explicit FolderStore(std::string root) : root_(std::move(root)) {}

  std::vector<RemoteFile> list() override {
    FileStamp stamp;
    if (!std::filesystem::is_directory(root_)) {
      if (!stamp_of(root_, stamp)) throw Error(ExitStatus::io, str("there is nothing at ", root_));
      return {{"", static_cast<std::int64_t>(stamp.size), "", (mode_of("") & S_IXUSR) != 0}};
    }
    std::vector<RemoteFile> files;
    for (const TreeEntry& entry : list_tree(root_))
      files.push_back({entry.path, static_cast<std::int64_t>(entry.size), "", entry.executable});
    return files;
  }

  std::map<std::string, std::int64_t> sizes() override {
    std::map<std::string, std::int64_t> found;
    if (!exists(root_)) return found;
    for (const RemoteFile& file : list()) found.emplace(file.path, file.size);
    return found;
  }

  /// Asks for each path, so that a target may hold links, FIFOs or names of any bytes beside what is copied there.
  std::map<std::string, std::int64_t> sizes_of(const std::vector<std::string>& paths) override {
    std::map<std::string, std::int64_t> found;
    for (const std::string& path : paths) {
      struct stat s {};
      if (stat(full(path).c_str(), &s) == 0)
        found.emplace(path, S_ISREG(s.st_mode) ? static_cast<std::int64_t>(s.st_size) : -1);
      else if (exists(full(path)))  // a link that leads nowhere
        found.emplace(path, -1);
    }
    return found;
  }

  void set_executable(const std::string& name, bool executable) override {
    const mode_t mode = mode_of(name);
    if (((mode & S_IXUSR) != 0) == executable) return;
    constexpr mode_t all = S_IXUSR | S_IXGRP | S_IXOTH;
    const mode_t readers = (mode & (S_IRUSR | S_IRGRP | S_IROTH)) >> 2;  // who may read may execute
    if (::chmod(full(name).c_str(), executable ? mode | readers : mode & ~all) != 0)
      throw system_error("cannot set the mode of", full(name), errno);
  }

  void read(const RemoteFile& wanted, Range range,
            const std::function<void(std::span<const std::byte>)>& take) override {
    File file(full(wanted.path), O_RDONLY);
    if (::lseek(file.fd(), range.begin, SEEK_SET) < 0) throw system_error("cannot read", file.path(), errno);
    std::vector<std::byte> bytes(block);
    for (std::int64_t at = range.begin; at < range.end;) {
      const auto want = std::min<std::int64_t>(block, range.end - at);
      const std::size_t got = file.read_some(bytes.data(), static_cast<std::size_t>(want));
      if (got == 0) throw Error(ExitStatus::bad_data, str(file.path(), " changed while it was read"));
      take({bytes.data(), got});
      at += static_cast<std::int64_t>(got);
    }
  }

  void write(const std::string& name, const std::function<std::span<const std::byte>()>& next) override {
    const std::string path = full(name), unfinished = str(path, ".", unique_suffix(), ".tmp");
    make_directories(parent_of(path));
    try {
      File file(unfinished, O_WRONLY | O_CREAT | O_EXCL);
      for (auto bytes = next(); !bytes.empty(); bytes = next())
        file.write_all({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      file.sync();
      file.close();
      if (std::rename(unfinished.c_str(), path.c_str()) != 0) throw system_error("cannot write", path, errno);
      sync_directory(parent_of(path));
    } catch (...) {
      ::unlink(unfinished.c_str());
      throw;
    }
  }

  void remove(const std::string& name) override {
    if (::unlink(full(name).c_str()) != 0) throw system_error("cannot remove", full(name), errno);
  }

 private:
  mode_t mode_of(const std::string& name) const {
    struct stat s {};
    if (stat(full(name).c_str(), &s) != 0) throw system_error("cannot look at", full(name), errno);
    return s.st_mode & 07777;
  }
  std::string full(const std::string& name) const { return name.empty() ? root_ : root_ + "/" + name; }
  std::string root_;
};

}  // namespace

std::unique_ptr<RemoteStore> open_folder(const std::string& path) {
  return std::make_unique<FolderStore>(path);
}

}  // namespace rankflow
