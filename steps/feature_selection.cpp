#include "steps/feature_selection.h"

#include <algorithm>

namespace rankflow {
namespace {

bool reads_any(const NamedExpression& e, const std::set<std::string>& names) {
  const auto columns = columns_of(e.expression);
  return std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return names.count(c) > 0; });
}

std::vector<std::string> listed_names(const Table& table, const Json& listed, const char* key) {
  std::vector<std::string> names;
  if (!listed.contains(key) || listed.at(key).is_null()) return names;
  for (const Json& name : listed.at(key)) {
    names.push_back(name);
    table.at(names.back());  // throws where it is unknown
  }
  return names;
}

}  // namespace

std::set<std::string> columns_of_target(const Expression& target,
                                        const std::vector<NamedExpression>& derived) {
  const auto direct = columns_of(target);
  std::set<std::string> names(direct.begin(), direct.end());
  // `derived` is ordered by dependence: backwards finds what the target is made from, forwards what is made
  // from that.
  for (auto e = derived.rbegin(); e != derived.rend(); ++e) {
    if (names.count(e->name) == 0) continue;
    const auto columns = columns_of(e->expression);
    names.insert(columns.begin(), columns.end());
  }
  for (const NamedExpression& e : derived) {
    if (reads_any(e, names)) names.insert(e.name);
  }
  return names;
}

FeatureNames select_features(const Table& table, const Json& listed, const std::set<std::string>& excluded) {
  if (!listed.is_null())
    return {listed_names(table, listed, "numeric"), listed_names(table, listed, "categorical")};
  FeatureNames features;
  for (const std::string& name : table.names()) {
    if (excluded.count(name)) continue;
    (table.type(name) == ColumnType::text ? features.categorical : features.numeric).push_back(name);
  }
  return features;
}

}  // namespace rankflow
