#include "runtime/staged_inputs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "base/log.h"
#include "base/text.h"
#include "io/copy_artifact.h"
#include "io/file_memory.h"
#include "io/tree.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

std::string folder_of(const DownloadRules& rules) {
  std::string folder = rules.folder;
  if (const char* temporary = std::getenv("TMPDIR"); folder.empty() && temporary && *temporary) {
    folder = temporary;
    std::error_code problem;
    if (!fs::is_directory(folder, problem))
      throw Error(ExitStatus::io, str("TMPDIR names ", folder, ", and there is no such folder"),
                  "another TMPDIR, or downloads.folder in a site file");
  }
  return absolute_path(str(folder.empty() ? "/tmp" : folder, "/rankflow-", geteuid()));
}

/// In a folder that all users share, another user could have made ours.
void make_own_folder(const std::string& folder) {
  make_directories(parent_of(folder));
  if (mkdir(folder.c_str(), 0700) == 0) return;
  if (errno != EEXIST) throw system_error("cannot make the folder", folder, errno);
  struct stat s {};
  if (lstat(folder.c_str(), &s) != 0) throw system_error("cannot look at", folder, errno);
  if (!S_ISDIR(s.st_mode) || s.st_uid != geteuid()) {
    throw Error(ExitStatus::permission, str(folder, " is not a folder of this user"),
                "another TMPDIR, or downloads.folder in a site file");
  }
}

bool lock(const File& file, int how) {
  while (flock(file.fd(), how) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK) return false;
    throw system_error("cannot lock", file.path(), errno);
  }
  return true;
}

/// Whether the file that is locked is still the one at its path: the last user may have removed it meanwhile.
bool is_current(const File& file) {
  struct stat mine {
  }, now{};
  return fstat(file.fd(), &mine) == 0 && stat(file.path().c_str(), &now) == 0 && mine.st_ino == now.st_ino &&
         mine.st_dev == now.st_dev;
}

/// The file at `path`, made where it is missing, locked for a user of the copy: only who removes it must wait for that.
File locked_for_use(const std::string& path) {
  for (;;) {
    File file(path, O_RDWR | O_CREAT, 0600);
    lock(file, LOCK_SH);
    if (is_current(file)) return file;
  }
}

std::uint64_t copy_file(const std::string& from, const std::string& to, bool executable) {
  File source(from, O_RDONLY);
  File target(to, O_WRONLY | O_CREAT | O_EXCL, executable ? 0755 : 0644);
  std::array<char, 1 << 17> buffer;
  std::uint64_t bytes = 0;
  while (const std::size_t got = source.read_some(buffer.data(), buffer.size())) {
    target.write_all(std::string_view(buffer.data(), got));
    bytes += got;
  }
  target.close();
  return bytes;
}

std::uint64_t copy_raw(const Download& download, const std::string& expected, const std::string& to) {
  std::error_code problem;
  std::uint64_t bytes = 0;
  if (fs::is_directory(download.source, problem)) {
    make_directories(to);
    if (const auto selection = selection_at(download.source)) describe_copy(*selection, to);
    for (const auto& entry : list_tree(download.source)) {
      const std::string target = str(to, "/", entry.path);
      make_directories(parent_of(target));
      bytes += copy_file(str(download.source, "/", entry.path), target, entry.executable);
    }
  } else {
    bytes = copy_file(download.source, to, false);
  }
  FileMemory memory("");
  if (content_digest(to, memory) != expected) {
    throw Error(ExitStatus::bad_data,
                str(download.source, " changed while it was copied, or since the run began"),
                "the same command again");
  }
  return bytes;
}

/// A file's or folder's. What was fetched is named by what stands for its content: then the bytes that are copied count.
std::string expected_content(const Download& download) {
  if (download.kind == Download::Kind::path) return download.digest;
  FileMemory memory("");
  return content_digest(download.source, memory);
}

/// The copy has its name, since a step may look at its suffix.
std::string place_of(const std::string& folder, const Download& download) {
  const std::string name = download.source.substr(download.source.rfind('/') + 1);
  return str(folder, "/", download.digest, "/", download.kind == Download::Kind::artifact ? "data" : name);
}

/// Away from its place first: a copy that is only half removed must not be found there.
void remove_copy(const std::string& tree) {
  const std::string aside = str(tree, ".", unique_suffix(), ".tmp");
  if (rename(tree.c_str(), aside.c_str()) == 0) return remove_tree(aside);
  if (errno != ENOENT) throw system_error("cannot move away", tree, errno);
}

std::uint64_t make_copy(const std::string& folder, const Download& download) {
  const std::string target = str(folder, "/", download.digest),
                    aside = str(target, ".", unique_suffix(), ".tmp");
  try {
    make_directories(aside);
    const std::string to = place_of(folder, download).replace(0, target.size(), aside);
    const std::uint64_t bytes = download.kind == Download::Kind::artifact
                                    ? copy_artifact({download.store}, download.digest, to, false)
                                    : copy_raw(download, expected_content(download), to);
    // Another input with the same content may have had another name.
    remove_copy(target);
    if (rename(aside.c_str(), target.c_str()) != 0)
      throw system_error(str("cannot move ", aside, " to"), target, errno);
    return bytes;
  } catch (...) {
    remove_tree(aside);
    throw;
  }
}

/// Removes what killed processes left of copies that were to be `tree`; the caller holds its lock.
void remove_unfinished(const std::string& tree) {
  const std::string begin = tree.substr(tree.rfind('/') + 1) + ".";
  std::error_code problem;
  std::vector<std::string> unfinished;
  for (fs::directory_iterator at(parent_of(tree), problem), end; !problem && at != end;
       at.increment(problem)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(begin) && name.ends_with(".tmp")) unfinished.push_back(at->path().string());
  }
  for (const auto& path : unfinished) remove_tree(path);
}

double size_of_tree(const std::string& folder) {
  double bytes = 0;
  for (const auto& entry : list_tree(folder)) bytes += static_cast<double>(entry.size);
  return bytes;
}

struct Copy {
  std::string lock;
  fs::file_time_type used;
};

/// Removes copies that no process uses, the oldest first, until those that are left have at most `keep` bytes.
void remove_unused(const std::string& folder, double keep) {
  std::vector<Copy> copies;
  std::error_code problem;
  for (fs::directory_iterator at(folder, problem), end; !problem && at != end; at.increment(problem)) {
    if (at->path().extension() == ".lock")
      copies.push_back({at->path().string(), fs::last_write_time(at->path(), problem)});
  }
  std::sort(copies.begin(), copies.end(), [](const Copy& a, const Copy& b) { return a.used > b.used; });
  double kept = 0;
  for (const Copy& copy : copies) {
    const std::string tree = copy.lock.substr(0, copy.lock.size() - 5);
    File file(copy.lock, O_RDWR);
    if (!lock(file, LOCK_EX | LOCK_NB) || !is_current(file)) continue;
    remove_unfinished(tree);
    if (exists(tree)) kept += size_of_tree(tree);
    if (exists(tree) && kept <= keep) continue;
    remove_copy(tree);
    unlink(copy.lock.c_str());
  }
}

}  // namespace

void StagedInputs::acquire(const Download& download, const DownloadRules& rules) {
  if (held_.contains(download.digest)) return;
  folder_ = folder_of(rules);
  keep_bytes_ = rules.keep_bytes;
  make_own_folder(folder_);
  // Held only while a copy is looked for and made: who waits here waits for no other rank's step. It is never removed.
  File copying(str(folder_, "/.copying"), O_RDWR | O_CREAT, 0600);
  lock(copying, LOCK_EX);
  File file = locked_for_use(str(folder_, "/", download.digest, ".lock"));
  const std::string path = place_of(folder_, download);
  if (!exists(path)) copied_ += make_copy(folder_, download);
  if (futimens(file.fd(), nullptr) != 0) throw system_error("cannot set the time of", file.path(), errno);
  held_.emplace(download.digest, Held{path, std::move(file)});
}

StagedInputs::~StagedInputs() {
  if (held_.empty()) return;
  held_.clear();
  try {
    remove_unused(folder_, keep_bytes_);
  } catch (const std::exception& e) {
    log::warning(str("copies of inputs stay behind: ", e.what()));
  }
}

}  // namespace rankflow
