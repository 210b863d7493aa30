// Columns that the rows learnt from had and the rows at hand lack: rows to be scored have no target, and what a recipe does with it is
// done to missing values. Nothing else may need them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "io/table.h"
#include "steps/lineage.h"

namespace rankflow {

class AbsentColumns {
 public:
  AbsentColumns() = default;
  /// `types`: of the rows learnt from; `read`: the table at hand.
  AbsentColumns(const std::map<std::string, ColumnType>& types, const Table& read);

  std::set<std::string> names() const;
  /// Gives the table these columns, without values.
  void add(Table& table) const;
  /// Throws Error (configuration) where a column that `user` needs is made from one of these.
  void check(const Lineage& lineage, const std::string& column, const std::string& user) const;

 private:
  std::map<std::string, ColumnType> types_;
  std::vector<std::string> there_;  // columns that there are
};

}  // namespace rankflow
