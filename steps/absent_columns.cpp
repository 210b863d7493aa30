#include "steps/absent_columns.h"

#include "base/text.h"
#include "io/table_columns.h"

namespace rankflow {

AbsentColumns::AbsentColumns(const std::map<std::string, ColumnType>& types, const Table& read)
    : there_(read.names()) {
  for (const auto& [column, type] : types) {
    if (!read.has(column)) types_[column] = type;
  }
}

std::set<std::string> AbsentColumns::names() const {
  std::set<std::string> names;
  for (const auto& [column, _] : types_) names.insert(column);
  return names;
}

void AbsentColumns::add(Table& table) const {
  for (const auto& [column, type] : types_) table.set(column, missing_column(type, table.rows()));
}

void AbsentColumns::check(const Lineage& lineage, const std::string& column, const std::string& user) const {
  for (const std::string& origin : lineage.of(column)) {
    if (types_.count(origin) > 0)
      throw Error(ExitStatus::configuration,
                  str("there is no column \"", origin, "\"", did_you_mean(origin, there_), ", which ", user,
                      " needs; the columns are ", join(there_, ", ")));
  }
}

}  // namespace rankflow
