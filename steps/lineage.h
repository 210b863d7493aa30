// Which columns of a table others are made from, through all that a recipe does to it.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace rankflow {

class Lineage {
 public:
  /// The columns of the file that went into this one: itself, where nothing was said of it.
  std::set<std::string> of(const std::string& column) const {
    const auto made = made_.find(column);
    return made == made_.end() ? std::set<std::string>{column} : made->second;
  }
  std::set<std::string> of(const std::vector<std::string>& columns) const {
    std::set<std::string> all;
    for (const std::string& column : columns) all.merge(of(column));
    return all;
  }
  bool from_any(const std::string& column, const std::set<std::string>& origins) const {
    const auto own = of(column);
    return std::any_of(own.begin(), own.end(), [&](const auto& o) { return origins.count(o) > 0; });
  }
  void make(const std::string& column, const std::vector<std::string>& from) { made_[column] = of(from); }
  void rename(const std::string& column, const std::string& new_name) {
    made_[new_name] = of(column);
    made_.erase(column);
  }

 private:
  std::map<std::string, std::set<std::string>> made_;
};

}  // namespace rankflow
