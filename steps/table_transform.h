// One step of a table's preparation: an element of the key `transforms`. A transform sees the table part by part; one that
// learns (a mean, a vocabulary) sees all training rows first, and keeps what it learnt in the dataset's schema, so that other
// rows can be prepared in the same way.
//
// To add a kind NAME: its keys in transforms_spec.cpp, a class beside its like in transform_*.cpp and a line in
// transform_kinds.inc.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "io/expression.h"
#include "io/json.h"
#include "steps/lineage.h"
#include "steps/table_learner.h"
#include "steps/table_part.h"

namespace rankflow {

/// What a transform may use beside its keys.
struct TransformContext {
  std::string scratch;  // folder for files that ranks hand to each other; made where it is needed
  int rank = 0;
  int number = 0;                                              // of the transform in its list
  std::map<std::string, std::shared_ptr<const Table>> tables;  // small ones to join with, by the input's name
};

class TableTransform {
 public:
  virtual ~TableTransform() = default;

  /// False while it has to learn. Then all parts are shown to look() before finish().
  virtual bool ready() const { return true; }
  virtual WantedStatistics wanted() const { return {}; }
  virtual void look(const TablePart& /*part*/) {}
  /// Collective.
  virtual void finish(Communicator& /*comm*/, const TableLearner& /*learner*/) {}
  /// True where transforms that come after it may learn in the same run through the rows, from columns that it does not change.
  virtual bool independent() const { return true; }

  /// Whether what becomes of a row depends on its values alone: not on its number, nor on other rows than those learnt from.
  virtual bool by_row() const { return true; }

  virtual void apply(TablePart& part) const = 0;
  /// Rows lack columns that have to do with the target only, and have missing values there: it does not drop them for that.
  virtual void without(const std::set<std::string>& /*columns*/, const Lineage& /*before*/) {}
  /// Tells of columns that apply() makes out of others, or renames.
  virtual void trace(Lineage& /*lineage*/) const {}

  /// What it learnt, and back: kept in the schema. null: nothing.
  virtual Json learnt() const { return nullptr; }
  virtual void use(const Json& /*learnt*/) {}
};

/// Makes the transform of a validated element of `transforms`.
std::unique_ptr<TableTransform> make_transform(const Json& keys, const TransformContext& context);

// Helps to write transforms as expressions.

/// A column's name, a number or a text as they stand in an expression.
std::string quoted_column(const std::string& name);
std::string quoted_text(const std::string& text);
std::string number_text(double value);
/// The column becomes the value of the expression.
void set_column(Table& table, const std::string& name, const std::string& expression);
/// Keeps the rows for which the expression is true; returns how many are dropped.
std::int64_t keep_where(TablePart& part, const Expression& expression, const std::string& source);

}  // namespace rankflow
