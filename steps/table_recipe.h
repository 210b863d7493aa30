// How a table is prepared, as one ordered list: the key `derive`, the key `filter`, the decision about splits, then the elements
// of `transforms`. The same for all parts; what transforms learn is learnt over all ranks.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/table_split.h"
#include "steps/table_transform.h"

namespace rankflow {

class TableRecipe {
 public:
  /// `known`: schema of the data that these are prepared like, whose `derive` and `transforms` hold (null: none). Throws Error
  /// (configuration) where the step gives others.
  TableRecipe(const Json& parameters, const Json& known, TransformContext context);

  const TableSplit& split() const { return split_; }
  /// The derived columns of the key `derive`, in order of dependence.
  const std::vector<NamedExpression>& derived() const { return derived_; }
  /// The names that an untransformed table must have for everything up to the first transform.
  std::vector<std::string> first_columns() const;
  /// Rows are prepared that lack these columns (TableTransform::without).
  void without(const std::set<std::string>& columns);
  /// What columns are made from, after learn().
  Lineage lineage() const;
  bool has_transforms() const { return !transforms_.empty(); }
  /// Why the rows of one file can't be prepared without the others, for people; "" where they can.
  std::string what_needs_all_rows() const;
  /// Goes through the parts as often as there is to learn. `parts` calls its argument with every part of this rank as it was
  /// read. Collective.
  void learn(Communicator& comm, std::int64_t pieces,
             const std::function<void(const std::function<void(TablePart&&)>&)>& parts);
  /// After learn(). Rows dropped by the key `filter` are counted in `filtered`.
  void apply(TablePart& part, std::int64_t& filtered) const;
  /// For the dataset's schema; null where it has nothing to say.
  Json saved() const;

 private:
  std::int64_t begin(TablePart& part) const;
  /// The end of the run of transforms, from the first that is not ready, that can learn at the same time.
  std::size_t end_of_level(std::size_t first) const;

  Json derive_, keys_;  // as given, or known
  std::vector<NamedExpression> derived_;
  std::string filter_;  // "": none
  TableSplit split_;
  std::vector<std::unique_ptr<TableTransform>> transforms_;
};

}  // namespace rankflow
