#include "io/tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

bool is_below(const fs::path& path, const fs::path& root) {
  return std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
}

void check_link(const fs::path& link, const fs::path& root) {
  std::error_code problem;
  const fs::path target = fs::canonical(link, problem);
  if (problem)
    throw Error(ExitStatus::bad_data, str(link.string(), " is a symbolic link that leads nowhere"));
  if (!is_below(target, root)) {
    throw Error(ExitStatus::bad_data,
                str(link.string(), " is a symbolic link to ", target.string(), ", outside ", root.string()),
                "copy the file into the folder");
  }
  if (fs::is_directory(target)) {
    throw Error(ExitStatus::bad_data, str(link.string(), " is a symbolic link to a folder"),
                "name the folder itself");
  }
}

void walk(const fs::path& folder, const fs::path& root, std::vector<TreeEntry>& out) {
  std::error_code problem;
  fs::directory_iterator entries(folder, problem);
  for (; !problem && entries != fs::directory_iterator(); entries.increment(problem)) {
    const fs::path path = entries->path();
    if (entries->is_symlink()) check_link(path, root);
    struct stat s {};
    if (stat(path.c_str(), &s) != 0) throw system_error("cannot look at", path.string(), errno);
    if (S_ISDIR(s.st_mode)) {
      walk(path, root, out);
    } else if (S_ISREG(s.st_mode)) {
      out.push_back({path.string().substr(root.string().size() + (root != root.root_path())),
                     static_cast<std::uint64_t>(s.st_size), (s.st_mode & S_IXUSR) != 0});
    } else {
      throw Error(ExitStatus::bad_data, str(path.string(), " is neither a regular file nor a folder"));
    }
  }
  if (problem) throw system_error("cannot list", folder.string(), problem.value());
}

}  // namespace

std::vector<TreeEntry> list_tree(const std::string& root) {
  std::error_code problem;
  const fs::path resolved = fs::canonical(root, problem);
  if (problem) throw system_error("cannot list", root, problem.value());
  std::vector<TreeEntry> entries;
  walk(resolved, resolved, entries);
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return entries;
}

std::string content_digest(const std::string& path, FileMemory& memory) {
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return memory.digest(path);
  Sha256 hash;
  // A file could have the lines below as its content: the first line keeps the two apart.
  hash.update("rankflow folder 1\n");
  for (const auto& entry : list_tree(path)) {
    hash.update(entry.path);
    const std::string digest = memory.digest(path + "/" + entry.path);
    const char end = '\0';
    hash.update(&end, 1);
    hash.update(std::to_string(entry.size));
    hash.update(&end, 1);
    hash.update(digest);
    hash.update(&end, 1);
    hash.update(entry.executable ? "1\n" : "0\n");
  }
  return hash.finish();
}

}  // namespace rankflow
