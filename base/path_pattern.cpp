#include "base/path_pattern.h"

#include <fnmatch.h>

#include <span>

#include "base/text.h"

namespace rankflow {
namespace {

using Components = std::span<const std::string>;

bool component_matches(const std::string& glob, const std::string& name) {
  return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0;
}

// Two pointers with one point of return (the last `**`): linear in practice, where recursion over several
// `**` is exponential.
bool components_match(Components glob, Components path) {
  std::size_t g = 0, p = 0, after_star = std::string::npos, star_path = 0;
  while (p < path.size()) {
    if (g < glob.size() && glob[g] == "**") {
      after_star = ++g;
      star_path = p;
    } else if (g < glob.size() && component_matches(glob[g], path[p])) {
      ++g, ++p;
    } else if (after_star != std::string::npos) {
      g = after_star;
      p = ++star_path;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == "**") ++g;
  return g == glob.size();
}

}  // namespace

bool is_glob(std::string_view text) {
  return text.find_first_of("*?[") != std::string_view::npos;
}

bool glob_matches(const std::string& glob, const std::string& path) {
  return components_match(split(glob, '/'), split(path, '/'));
}

IgnoreRules::IgnoreRules(const std::string& ignore_file_text) {
  for (std::string line : split(ignore_file_text, '\n')) {
    line = trim(line);
    if (line.empty() || line.front() == '#') continue;
    Rule rule;
    if (line.front() == '!') {
      rule.keep = true;
      line.erase(0, 1);
    } else if (line.starts_with("\\#") || line.starts_with("\\!")) {
      line.erase(0, 1);
    }
    if (line.ends_with('/')) {
      rule.folders_only = true;
      line.pop_back();
    }
    rule.name_only = line.find('/') == std::string::npos;
    if (line.starts_with('/')) line.erase(0, 1);
    if (line.empty()) continue;
    // "a/**" is everything inside a, not a itself.
    if (line.ends_with("/**")) line += "/*";
    rule.glob = std::move(line);
    rules_.push_back(std::move(rule));
  }
}

IgnoreRules::Verdict IgnoreRules::judge(const std::string& path, bool is_folder) const {
  const std::string name = path.substr(path.rfind('/') + 1);
  for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
    if (rule->folders_only && !is_folder) continue;
    if (rule->name_only ? component_matches(rule->glob, name) : glob_matches(rule->glob, path)) {
      return rule->keep ? Verdict::keep : Verdict::ignore;
    }
  }
  return Verdict::none;
}

}  // namespace rankflow
