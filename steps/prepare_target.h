// The target of a prepared table: classes or numbers, out of a column or an expression.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/table.h"
#include "steps/dataset_writer.h"

namespace rankflow {

struct Target {
  std::string name;  // as the pipeline gives it
  bool classification = false;
  std::vector<std::string> classes;  // classification: sorted, numbers by value
  // Shared with the column that writes them.
  std::shared_ptr<std::vector<std::int32_t>>
      codes;       // classification: class of each source row, -1 where it is missing
  Column numbers;  // regression

  /// Sets keep[row] to 0 where the target is missing; returns how many of those that were kept so far.
  std::int64_t leave_out_missing(std::vector<char>& keep) const;
  OutputColumn column() const;
};

/// Computes the target named or expressed by `source`. `task` is auto, classification or regression; auto
/// takes booleans, texts and integers for classes, reals for numbers. `known` is the schema of the data that
/// this is prepared like (null: none): its task and classes hold, and a class that it lacks is an Error
/// (bad_data) naming the row.
Target make_target(const Table& table, const std::string& source, const std::string& task, const Json& known);

}  // namespace rankflow
