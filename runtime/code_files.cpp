#include "runtime/code_files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/path_pattern.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

bool never_entered(const std::string& name) {
  return name == ".git" || name == ".rankflow" || name == "__pycache__";
}

std::string below(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : folder.ends_with('/') ? folder + name : folder + "/" + name;
}

IgnoreRules rules_in(const std::string& folder) {
  for (const char* name : {".rankflowignore", ".gitignore"}) {
    const std::string path = below(folder, name);
    if (exists(path)) return IgnoreRules(read_file(path));
  }
  return {};
}

// The ignore files that hold for a folder, outermost first.
struct Scope {
  std::string folder;  // absolute
  IgnoreRules rules;
  const Scope* outer = nullptr;
};

bool ignored(const Scope* scope, const std::string& path, bool is_folder) {
  for (; scope; scope = scope->outer) {
    const std::size_t skip = scope->folder == "/" ? 1 : scope->folder.size() + 1;
    const auto verdict = scope->rules.judge(path.substr(skip), is_folder);
    if (verdict != IgnoreRules::Verdict::none) return verdict == IgnoreRules::Verdict::ignore;
  }
  return false;
}

std::vector<std::string> names_in(const std::string& folder) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.c_str()), ::closedir);
  if (!dir) throw system_error("open folder", folder, errno);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) throw system_error("read folder", folder, errno);
  return names;
}

class Walk {
 public:
  Walk(std::string glob, bool skip_ignored)
      : glob_(std::move(glob)),
        deepest_(glob_.empty() || glob_.find("**") != std::string::npos ? std::string::npos
                                                                        : split(glob_, '/').size()),
        skip_ignored_(skip_ignored) {}

  // `shown` is the folder as the pattern reaches it, `path` absolute, `depth` its number of components.
  void folder(const std::string& path, const std::string& shown, std::size_t depth, const Scope* outer) {
    if (depth >= deepest_) return;
    FileStamp stamp;
    if (!stamp_of(path, stamp) || !enter(stamp)) return;
    Scope scope{path, skip_ignored_ ? rules_in(path) : IgnoreRules(), outer};
    const Scope* rules = scope.rules.empty() ? outer : &scope;
    for (const std::string& name : names_in(path))
      entry(below(path, name), below(shown, name), name, depth, rules);
    above_.pop_back();
  }

  std::vector<std::string> sorted() {
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return std::move(found_);
  }

 private:
  void entry(const std::string& path, const std::string& shown, const std::string& name, std::size_t depth,
             const Scope* rules) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
      if (errno == ENOENT || errno == ELOOP) return;  // a link that leads nowhere holds no code
      throw system_error("look at", path, errno);
    }
    const bool is_folder = S_ISDIR(info.st_mode);
    if (is_folder && never_entered(name)) return;
    if (skip_ignored_ && ignored(rules, path, is_folder)) return;
    if (is_folder) {
      folder(path, shown, depth + 1, rules);
    } else if (glob_.empty() || glob_matches(glob_, shown)) {
      if (!S_ISREG(info.st_mode)) {
        throw Error(ExitStatus::bad_data, str(path, " is neither a file nor a folder, so it can't be hashed"),
                    "leave it out in .rankflowignore");
      }
      found_.push_back(shown);
    }
  }

  // False for a folder that a link has led back to.
  bool enter(const FileStamp& stamp) {
    const std::pair<std::uint64_t, std::uint64_t> identity(stamp.device, stamp.inode);
    if (std::find(above_.begin(), above_.end(), identity) != above_.end()) return false;
    above_.push_back(identity);
    return true;
  }

  std::string glob_;     // "": everything below
  std::size_t deepest_;  // no file of interest has more components
  bool skip_ignored_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> above_;
  std::vector<std::string> found_;
};

// Folders from the root of the git work tree that holds `folder` down to its parent; none outside a work
// tree.
std::vector<std::string> enclosing_folders(const std::string& folder) {
  std::vector<std::string> folders;
  for (std::string at = folder;; at = parent_of(at)) {
    if (at != folder) folders.insert(folders.begin(), at);
    if (exists(below(at, ".git"))) return folders;
    if (at == "/") return {};
  }
}

// Leading components without wildcards, and how many they are.
std::pair<std::string, std::size_t> fixed_part(const std::string& glob) {
  std::string fixed;
  std::size_t count = 0;
  for (const std::string& component : split(glob, '/')) {
    if (is_glob(component)) break;
    fixed = count++ == 0 ? (component.empty() ? "/" : component) : below(fixed, component);
  }
  return {fixed, count};
}

}  // namespace

std::vector<std::string> code_files(const std::string& pattern, const std::string& folder,
                                    bool skip_ignored) {
  std::string wanted = pattern;
  while (wanted.size() > 1 && wanted.ends_with('/')) wanted.pop_back();
  while (wanted.starts_with("./")) wanted.erase(0, 2);
  if (wanted == ".") wanted.clear();
  const bool glob = is_glob(wanted);
  const auto [start, depth] = glob ? fixed_part(wanted) : std::pair<std::string, std::size_t>(wanted, 0);

  const std::string path = absolute_path(start.starts_with('/') ? start : below(folder, start));
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw system_error("look at", path, errno);
  }
  if (S_ISREG(info.st_mode)) return glob ? std::vector<std::string>{} : std::vector<std::string>{wanted};

  std::vector<Scope> outer;
  const auto folders = skip_ignored ? enclosing_folders(path) : std::vector<std::string>{};
  outer.reserve(folders.size());
  for (const auto& f : folders) outer.push_back({f, rules_in(f), outer.empty() ? nullptr : &outer.back()});

  Walk walk(glob ? wanted : "", skip_ignored);
  walk.folder(path, start, depth, outer.empty() ? nullptr : &outer.back());
  return walk.sorted();
}

}  // namespace rankflow
