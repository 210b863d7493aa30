// A table of named columns in memory (Arrow's), with what the preparation of data asks of it: types, places
// for messages, and plain numbers and categories out of any column.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace rankflow {

enum class ColumnType { boolean, integer, real, text };
const char* name(ColumnType type);
/// The type of this name; anything else is a text.
ColumnType column_type_named(const std::string& text);

using Column = std::shared_ptr<arrow::ChunkedArray>;
/// Columns hold only these four types: bool, int64, double and utf8, with nulls where a value is missing.
ColumnType type_of(const arrow::ChunkedArray& column);

/// Where rows come from: `rows` rows of the file `path`, of which `first` lie before them.
struct TablePlace {
  std::string path;
  std::int64_t rows = 0;
  std::int64_t first = 0;
};

class Table {
 public:
  /// `left_out`: columns of the files whose values a table can't hold, and the words that say so.
  Table(std::vector<TablePlace> places, std::vector<std::string> names, std::vector<Column> columns,
        std::map<std::string, std::string> left_out = {});

  std::int64_t rows() const { return rows_; }
  /// In the order of the file; added ones last.
  const std::vector<std::string>& names() const { return names_; }
  bool has(const std::string& name) const { return columns_.count(name) > 0; }
  /// Throws Error: configuration, did you mean …?; bad_data for one that is left out.
  const Column& at(const std::string& name) const;
  /// Throws Error (bad_data) where it is a column that is left out.
  void check_not_left_out(const std::string& name) const;
  ColumnType type(const std::string& name) const { return type_of(*at(name)); }
  void add(const std::string& name, Column column);
  /// Like add, but what was called so is replaced, in its place.
  void set(const std::string& name, Column column);
  /// Throws Error (configuration): there is no such column, or one of the new name already.
  void rename(const std::string& name, const std::string& new_name);
  /// Frees every column that is not named.
  void keep_only(const std::vector<std::string>& names);
  /// Drops the rows for which `keep` (one value a row) is 0.
  void keep_rows(const std::vector<char>& keep);
  /// The number that a row had before any was dropped.
  std::int64_t original(std::int64_t row) const {
    return originals_.empty() ? row : originals_[static_cast<std::size_t>(row)];
  }
  /// "FILE: row 17" (from 1, the header not counted) for row 16 of the file.
  std::string place(std::int64_t row) const;

 private:
  std::vector<TablePlace> places_;
  std::vector<std::string> names_;
  std::map<std::string, Column> columns_;
  std::map<std::string, std::string> left_out_;
  std::int64_t rows_ = 0;
  std::vector<std::int64_t> originals_;  // empty: no row was dropped
};

/// The column as numbers (boolean, integer or real). A text column is converted where every cell is a number;
/// otherwise throws Error (bad_data) naming file, row and text of the first that is none.
Column as_numbers(const Table& table, const std::string& name);

/// Values of a boolean, integer or real column at `rows` (ascending) as doubles, `stride` apart; NaN where
/// missing.
void gather_numbers(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, double* out,
                    std::size_t stride = 1);

/// Calls `use(row, value)` for every row of a boolean, integer or real column; NaN where missing.
void visit_numbers(const arrow::ChunkedArray& column,
                   const std::function<void(std::int64_t row, double value)>& use);

/// A column as categories: its distinct values, sorted (numbers by value, texts by their bytes), and for each
/// row the index of its value, -1 where it is missing.
struct Categories {
  std::vector<std::string> names;
  std::vector<std::int32_t> codes;
  ColumnType type = ColumnType::text;  // of the column
};
Categories categories_of(const arrow::ChunkedArray& column);

}  // namespace rankflow
