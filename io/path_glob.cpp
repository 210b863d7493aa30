#include "io/path_glob.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/path_pattern.h"
#include "base/text.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

/// Whether something is there, and whether it is a folder; links are followed.
bool is_there(const std::string& path, bool& folder) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return false;
  folder = S_ISDIR(info.st_mode);
  return true;
}

class Expansion {
 public:
  Expansion(const std::string& glob, std::set<std::string> followed) : followed_(std::move(followed)) {
    for (std::string& component : split(glob, '/')) {
      if (component.empty()) continue;
      if (component == "**") {
        files_only_ = true;
        if (!components_.empty() && components_.back() == "**") continue;
      }
      components_.push_back(std::move(component));
    }
    if (!components_.empty() && components_.back() == "**") components_.push_back("*");
  }

  /// What the glob matches in `folder` ("" is the root).
  std::vector<std::string> expand(const std::string& folder) {
    if (!components_.empty()) in(folder, 0);
    std::sort(found_.begin(), found_.end());
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    return std::move(found_);
  }

 private:
  /// What component `at` and those after it match in `folder`.
  void in(const std::string& folder, std::size_t at) {
    const std::string& component = components_[at];
    if (component == "**") {
      in(folder, at + 1);
      for (const auto& entry : entries_of(folder)) {
        std::error_code problem;
        const bool kept_out = entry.is_symlink(problem) && followed_.count(entry.path().string()) == 0;
        if (name_of(entry)[0] != '.' && entry.is_directory(problem) && !kept_out) in(entry.path(), at);
      }
    } else if (!is_glob(component)) {
      take(str(folder, "/", component), at);
    } else {
      for (const auto& entry : entries_of(folder)) {
        if (::fnmatch(component.c_str(), name_of(entry).c_str(), FNM_PERIOD) == 0) take(entry.path(), at);
      }
    }
  }

  /// `path` is what component `at` matched.
  void take(const std::string& path, std::size_t at) {
    bool folder = false;
    if (!is_there(path, folder)) {
      struct stat link {};
      if (at + 1 == components_.size() && ::lstat(path.c_str(), &link) == 0)
        throw Error(ExitStatus::bad_data, str(path, " is a symbolic link that leads nowhere"));
      return;
    }
    if (at + 1 < components_.size()) {
      if (folder) in(path, at + 1);
    } else if (!folder || !files_only_) {
      found_.push_back(path);
    }
  }

  static std::string name_of(const fs::directory_entry& entry) { return entry.path().filename().string(); }

  static std::vector<fs::directory_entry> entries_of(const std::string& folder) {
    std::error_code problem;
    std::vector<fs::directory_entry> entries;
    fs::directory_iterator at(folder.empty() ? "/" : folder, problem);
    for (; !problem && at != fs::directory_iterator(); at.increment(problem)) entries.push_back(*at);
    if (problem) throw system_error("cannot list", folder, problem.value());
    return entries;
  }

  std::set<std::string> followed_;
  std::vector<std::string> components_, found_;
  bool files_only_ = false;
};

}  // namespace

std::string fixed_folder(const std::string& glob) {
  std::string folder;
  for (const std::string& component : split(glob, '/')) {
    if (component.empty()) continue;
    if (is_glob(component)) break;
    folder += "/" + component;
  }
  return folder.empty() ? "/" : folder;
}

std::vector<std::string> paths_matching(const std::string& glob) {
  if (bool folder = false; !is_there(fixed_folder(glob), folder) || !folder) return {};
  return Expansion(glob, {}).expand("");
}

std::vector<std::string> paths_below(const std::string& folder, const std::string& glob,
                                     const std::set<std::string>& followed) {
  return Expansion(glob, followed).expand(folder);
}

}  // namespace rankflow
