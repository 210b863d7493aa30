#include "io/file.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr mode_t kFolderMode = 02775;
constexpr mode_t kFileMode = 0664;

int open_through_interrupts(const std::string& path, int flags, mode_t mode) {
  int fd;
  do {
    fd = open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

/// O_CREAT in two calls, so that we know whether the file is ours to set the mode of.
int open_or_create(const std::string& path, int flags, mode_t mode, bool& created) {
  for (;;) {
    int fd = open_through_interrupts(path, flags | O_CREAT | O_EXCL, mode);
    created = fd >= 0;
    if (created || errno != EEXIST || (flags & O_EXCL)) return fd;
    fd = open_through_interrupts(path, flags & ~O_CREAT, mode);
    const bool vanished = fd < 0 && errno == ENOENT;
    struct stat link {};
    if (!vanished || lstat(path.c_str(), &link) == 0) return fd;  // still there: a dangling symlink
  }
}

bool is_directory(const std::string& path) {
  struct stat s {};
  return stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

bool is_dangling_link(const std::string& path) {
  struct stat link {
  }, target{};
  return lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode) && stat(path.c_str(), &target) != 0;
}

void write_and_close(const std::string& path, std::string_view content, bool durable) {
  File file(path, O_WRONLY | O_CREAT | O_EXCL, kFileMode);
  file.write_all(content);
  if (durable) file.sync();
  file.close();
}

/// 0, or the error number.
int make_directory(const std::string& path) {
  if (mkdir(path.c_str(), kFolderMode) != 0) return errno;
  if (chmod(path.c_str(), kFolderMode) != 0) throw system_error("cannot set the mode of", path, errno);
  return 0;
}

}  // namespace

File::File(const std::string& path, int flags, mode_t mode) : path_(path) {
  bool created = false;
  fd_ = flags & O_CREAT ? open_or_create(path, flags, mode, created)
                        : open_through_interrupts(path, flags, mode);
  if (fd_ < 0)
    throw system_error(created || (flags & O_CREAT) ? "cannot create" : "cannot open", path, errno);
  if (created && fchmod(fd_, mode) != 0) {
    const int why = errno;
    ::close(fd_);
    unlink(path.c_str());
    throw system_error("cannot set the mode of", path, why);
  }
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

File::File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}

File& File::operator=(File&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    path_ = std::move(other.path_);
  }
  return *this;
}

void File::write_all(std::string_view data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd_, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw system_error(str("cannot write ", data.size(), " bytes to"), path_, errno);
    // A write of nothing is no error to the kernel, and would be an endless loop here.
    if (n == 0) throw system_error(str("cannot write ", data.size(), " bytes to"), path_, ENOSPC);
    data.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::size_t File::read_some(void* data, std::size_t bytes) {
  ssize_t n;
  do {
    n = ::read(fd_, data, bytes);
  } while (n < 0 && errno == EINTR);
  if (n < 0) throw system_error("cannot read", path_, errno);
  return static_cast<std::size_t>(n);
}

void File::begin_sync() {
  sync_file_range(fd_, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void File::sync() {
  if (fsync(fd_) != 0) throw system_error("cannot bring to disk (fsync)", path_, errno);
}

void File::close() {
  const int fd = std::exchange(fd_, -1);
  // Linux has closed the descriptor when it says EINTR; closing again could hit another thread's file.
  if (fd >= 0 && ::close(fd) != 0 && errno != EINTR) throw system_error("cannot close", path_, errno);
}

std::string digest_of(File& file) {
  struct stat s {};
  if (fstat(file.fd(), &s) != 0) throw system_error("cannot read", file.path(), errno);
  // No more than a small file needs: thousands of them are common. One byte more, so that one read sees the
  // end.
  constexpr std::int64_t most = 1 << 20;
  std::vector<char> buffer(static_cast<std::size_t>(std::clamp<std::int64_t>(s.st_size + 1, 4096, most)));
  Sha256 hash;
  while (const std::size_t n = file.read_some(buffer.data(), buffer.size())) hash.update(buffer.data(), n);
  return hash.finish();
}

std::string read_file(const std::string& path) {
  // O_NONBLOCK: opening a FIFO that nobody writes would wait for ever; regular files ignore it.
  File file(path, O_RDONLY | O_NONBLOCK);
  struct stat s {};
  if (fstat(file.fd(), &s) != 0) throw system_error("cannot read", path, errno);
  if (!S_ISREG(s.st_mode)) throw Error(ExitStatus::bad_data, str(path, " is not a regular file"));
  std::string text;
  // One byte more than expected, so that the end is seen without growing.
  text.resize(static_cast<std::size_t>(s.st_size) + 1);
  std::size_t filled = 0;
  while (const std::size_t n = file.read_some(text.data() + filled, text.size() - filled)) {
    filled += n;
    if (filled == text.size()) text.resize(2 * text.size());
  }
  text.resize(filled);
  return text;
}

void write_file_atomically(const std::string& path, std::string_view content, bool durable) {
  const std::string folder = parent_of(path);
  const std::string temporary = str(path, ".", unique_suffix(), ".tmp");
  try {
    write_and_close(temporary, content, durable);
    if (rename(temporary.c_str(), path.c_str()) != 0) throw system_error("cannot replace", path, errno);
  } catch (...) {
    unlink(temporary.c_str());
    throw;
  }
  if (durable) sync_directory(folder);
}

void sync_directory(const std::string& path) {
  File folder(path, O_RDONLY | O_DIRECTORY);
  // EINVAL: this file system has nothing to sync for a folder.
  if (fsync(folder.fd()) != 0 && errno != EINVAL)
    throw system_error("cannot bring to disk (fsync)", path, errno);
  folder.close();
}

bool exists(const std::string& path) {
  struct stat s {};
  if (lstat(path.c_str(), &s) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw system_error("cannot look at", path, errno);
}

void make_directories(const std::string& path) {
  int why = make_directory(path);
  if (why == ENOENT && parent_of(path) != path) {
    // Once more, and not for ever: others may make the parent meanwhile, but /proc, for one, takes no folders and says so.
    make_directories(parent_of(path));
    why = make_directory(path);
  }
  if (why == 0 || is_directory(path)) return;
  if (why == EEXIST && is_dangling_link(path))
    throw Error(ExitStatus::io,
                str("cannot create the folder ", path, ": it is a symbolic link that leads nowhere"),
                "remove the link, or create the folder that it leads to");
  throw system_error("cannot create the folder", path, why);
}

void remove_tree(const std::string& path) {
  std::error_code problem;
  std::filesystem::remove_all(path, problem);
  if (problem) throw system_error("cannot remove", path, problem.value());
}

std::string absolute_path(const std::string& path) {
  std::error_code problem;
  std::filesystem::path p = std::filesystem::absolute(path, problem);
  bool climbs = false;
  for (const auto& part : p) climbs = climbs || part == "..";
  // "link/.." is not the folder that holds the link, so text alone can't resolve it.
  if (!problem && climbs) p = std::filesystem::weakly_canonical(p, problem);
  if (problem) throw system_error("cannot resolve", path, problem.value());
  std::string text = p.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string parent_of(const std::string& path) {
  std::size_t end = path.size();
  while (end > 1 && path[end - 1] == '/') --end;
  const auto slash = path.rfind('/', end - 1);
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string unique_suffix() {
  std::uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) != sizeof random) {
    throw Error(ExitStatus::internal, "the system gives no random numbers (getrandom)");
  }
  std::string text(16, '0');
  for (char& c : text) {
    c = "0123456789abcdef"[random & 15];
    random >>= 4;
  }
  return text;
}

bool stamp_of(const std::string& path, FileStamp& out) {
  struct stat s {};
  if (stat(path.c_str(), &s) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return false;
    throw system_error("cannot look at", path, errno);
  }
  if (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode)) {
    throw Error(ExitStatus::bad_data, str(path, " is neither a regular file nor a folder"));
  }
  constexpr std::int64_t second = 1'000'000'000;
  out = {s.st_dev, s.st_ino, static_cast<std::uint64_t>(s.st_size),
         s.st_mtim.tv_sec * second + s.st_mtim.tv_nsec, s.st_ctim.tv_sec * second + s.st_ctim.tv_nsec};
  return true;
}

}  // namespace rankflow
