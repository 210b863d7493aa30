// The target of a prepared table: classes or numbers, out of a column or an expression.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/expression.h"
#include "io/json.h"
#include "steps/dataset_writer.h"
#include "steps/table_part.h"

namespace rankflow {

class TargetRule {
 public:
  /// Of `keys` of a prepare step: `target` names or expresses it; `task` is auto, classification or regression, where auto takes
  /// booleans, texts and integers for classes, reals for numbers; `classes`: they are these, in this order. `known` is the schema of
  /// the data that this is prepared like (null: none): its task and classes hold. `shape` is a table with the columns and types of all
  /// parts. Throws Error (configuration) where these contradict each other.
  TargetRule(const Table& shape, const Json& keys, const Json& known);

  const std::string& name() const { return name_; }  // as the pipeline gives it
  bool classification() const { return classification_; }
  const Expression& expression() const { return expression_; }
  /// Classification: sorted, numbers by value; after finish().
  const std::vector<std::string>& classes() const { return classes_; }

  /// The target of every row of the part. Throws Error (bad_data) naming the row where a number is asked for and there is
  /// none, (configuration) where the expression does not fit.
  Column of(const Table& table) const;
  /// Takes note of a part's classes. Throws Error (bad_data) naming the row for a class that is not known.
  void look(const TablePart& part, const Column& target);
  /// Joins the classes of all ranks. Collective; throws Error where there are too many or too few, on all ranks.
  void finish(Communicator& comm);
  /// Column `target` of the dataset, for rows of a part.
  OutputColumn column(const Column& target) const;

 private:
  std::string source_, name_;
  Expression expression_;
  bool classification_ = false;
  std::string who_knows_;  // the classes; "": nobody, they are found
  ColumnType type_ = ColumnType::text;
  std::set<std::string> found_;
  std::vector<std::string> classes_;
};

}  // namespace rankflow
