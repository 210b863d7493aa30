#include "steps/feature_selection.h"

#include <algorithm>

namespace rankflow {
namespace {

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

std::set<std::string> columns_of_target(const Expression& target, const Lineage& lineage,
                                        const std::vector<std::string>& columns) {
  const std::set<std::string> origins = lineage.of(columns_of(target));
  std::set<std::string> names;
  for (const std::string& column : columns) {
    if (lineage.from_any(column, origins)) names.insert(column);
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
