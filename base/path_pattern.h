// Globs over paths, and ignore files: the part of git's rules that people use.
//
// Globs: `*`, `?`, `[a-z]` within one path component (fnmatch(3); a leading '.' is nothing special), `**` as
// a whole component for any number of components. Ignore files: one glob per line; blank lines and those
// starting with `#` say nothing; `!` at the start brings back what an earlier line left out (not below a
// folder that is left out); `/` at the end: folders only; `/` at the start or in the middle: relative to the
// ignore file's folder, otherwise the name alone is compared, at any depth. The last line that matches
// decides. `\#` and `\!` stand for the characters. Not supported: trailing blanks kept by a backslash, git's
// configuration and its index.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

/// Whether `text` has a character that makes it a glob.
bool is_glob(std::string_view text);
/// Whether a '/'-separated glob matches the whole of a '/'-separated path.
bool glob_matches(const std::string& glob, const std::string& path);

class IgnoreRules {
 public:
  enum class Verdict { none, ignore, keep };

  IgnoreRules() = default;
  explicit IgnoreRules(const std::string& ignore_file_text);
  bool empty() const { return rules_.empty(); }
  /// `path` is relative to the ignore file's folder.
  Verdict judge(const std::string& path, bool is_folder) const;

 private:
  struct Rule {
    std::string glob;
    bool keep = false;
    bool folders_only = false;
    bool name_only = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace rankflow
