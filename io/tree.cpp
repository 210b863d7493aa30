#include "io/tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>

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

void add_digests(Sha256& hash, const std::vector<TreeEntry>& entries,
                 const std::function<std::string(const TreeEntry&)>& digest_of) {
  for (const auto& entry : entries) {
    hash.update(entry.path);
    const std::string digest = digest_of(entry);
    const char end = '\0';
    hash.update(&end, 1);
    hash.update(std::to_string(entry.size));
    hash.update(&end, 1);
    hash.update(digest);
    hash.update(&end, 1);
    hash.update(entry.executable ? "1\n" : "0\n");
  }
}

std::vector<TreeEntry> sorted(std::vector<TreeEntry> entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return entries;
}

std::vector<TreeEntry> list_member(const SelectionMember& member) {
  struct stat s {};
  if (stat(member.path.c_str(), &s) != 0) throw system_error("cannot look at", member.path, errno);
  if (S_ISREG(s.st_mode))
    return {{member.name, static_cast<std::uint64_t>(s.st_size), (s.st_mode & S_IXUSR) != 0}};
  if (!S_ISDIR(s.st_mode))
    throw Error(ExitStatus::bad_data, str(member.path, " is neither a regular file nor a folder"));
  std::vector<TreeEntry> entries = list_tree(member.path);
  for (TreeEntry& entry : entries) entry.path = str(member.name, "/", entry.path);
  return entries;
}

}  // namespace

std::vector<TreeEntry> list_tree(const std::string& root) {
  std::vector<TreeEntry> entries;
  if (const auto selection = selection_at(root)) {
    for (const SelectionMember& member : selection->members) {
      for (TreeEntry& entry : list_member(member)) entries.push_back(std::move(entry));
    }
    return sorted(std::move(entries));
  }
  std::error_code problem;
  const fs::path resolved = fs::canonical(root, problem);
  if (problem) throw system_error("cannot list", root, problem.value());
  walk(resolved, resolved, entries);
  return sorted(std::move(entries));
}

std::string content_digest(const std::string& path, FileMemory& memory) {
  if (const auto selection = selection_at(path)) return content_digest(*selection, memory);
  std::error_code problem;
  if (!fs::is_directory(path, problem)) return memory.digest(path);
  Sha256 hash;
  // A file could have the lines below as its content: the first line keeps the two apart.
  hash.update("rankflow folder 1\n");
  add_digests(hash, list_tree(path), [&](const TreeEntry& e) { return memory.digest(path + "/" + e.path); });
  return hash.finish();
}

std::string content_digest(const Selection& selection, FileMemory& memory) {
  Sha256 hash;
  // Which of the files are members decides what is read of them: of a folder not all files are tables.
  hash.update(selection.list ? "rankflow list 1\n" : "rankflow selection 1\n");
  for (const SelectionMember& member : selection.members) {
    hash.update(str(member.name, "\n"));
    const auto entries = list_member(member);
    add_digests(hash, entries, [&](const TreeEntry& e) {
      return memory.digest(member.path + e.path.substr(member.name.size()));
    });
  }
  return hash.finish();
}

}  // namespace rankflow
