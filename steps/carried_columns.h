// Columns that are carried along with a dataset, in their own values, and not learnt from: what rows are told apart by, and what
// results are looked at by.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/table.h"
#include "steps/dataset_writer.h"
#include "steps/table_part.h"

namespace rankflow {

/// The key `carry` of a prepare step; none where it isn't given.
std::vector<std::string> names_to_carry(const Json& keys);

class CarriedColumns {
 public:
  CarriedColumns() = default;
  /// `table` has the columns that all parts have in the end. Throws Error (configuration) for a name that it lacks.
  CarriedColumns(const std::vector<std::string>& names, const Table& table);

  const std::vector<std::string>& names() const { return names_; }
  /// Keeps their values in the table, whatever becomes of the columns from now on.
  void set_aside(Table& table) const;
  /// Those values of the rows that are left, in the order of names(). Takes note of the lengths of texts. Throws Error (bad_data)
  /// naming file and row for an integer or boolean that is missing and for a text that is too long.
  std::vector<Column> take(const TablePart& part);
  /// Takes note of texts of these lengths, by the names of columns.
  void note_lengths(const std::map<std::string, std::int64_t>& lengths);
  /// After the last row: agrees on the lengths of texts. Collective.
  void finish(Communicator& comm);

  /// After finish().
  std::vector<ColumnInfo> infos() const;
  void add_to_schema(Json& schema) const;
  /// After finish(): of what take() gave.
  std::vector<OutputColumn> columns(const std::vector<Column>& values) const;

 private:
  void check(const TablePart& part, std::size_t c, const Column& values);

  std::vector<std::string> names_;
  std::vector<ColumnType> types_;
  std::vector<std::int64_t> lengths_;  // bytes of each text column's longest; at least 1
};

}  // namespace rankflow
