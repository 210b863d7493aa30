// Which columns of a table become features: those listed, or all that the target has nothing to do with.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "io/expression.h"
#include "io/json.h"
#include "io/table.h"
#include "steps/lineage.h"

namespace rankflow {

struct FeatureNames {
  std::vector<std::string> numeric;
  std::vector<std::string> categorical;
};

/// Those of the columns that would give the target away: it is made from them, or they have an origin in common with it.
std::set<std::string> columns_of_target(const Expression& target, const Lineage& lineage,
                                        const std::vector<std::string>& columns);

/// `listed`: {numeric: [...], categorical: [...]}, either may be absent; null: every column that is not in
/// `excluded`, texts as categories, others as numbers. Throws Error (configuration) for a name that the table
/// lacks.
FeatureNames select_features(const Table& table, const Json& listed, const std::set<std::string>& excluded);

}  // namespace rankflow
