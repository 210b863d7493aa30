// What the preparation of tables does with whole columns beyond expressions.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "io/table.h"

namespace rankflow {

bool is_all_missing(const arrow::ChunkedArray& column);
/// A text column without any character.
bool is_all_blank(const arrow::ChunkedArray& column);
std::int64_t number_of_values(const arrow::ChunkedArray& column);
/// Memory that the columns take.
std::int64_t bytes_of(const Table& table);
/// Integers as reals, anything as the text that it stands for, a column of missing values as any; `doing` begins messages.
Column with_type(const Column& column, ColumnType type, const std::string& doing);
/// `rows` missing values.
Column missing_column(ColumnType type, std::int64_t rows);

/// A text column as booleans: true and false in lower, upper or title case, or integers, of which 0 is false. Throws Error (bad_data)
/// naming file, row and text of the first that is neither.
Column as_booleans(const Table& table, const std::string& name);
/// Sets `keep`, one value a row, to 0 where the column has no value.
void mark_missing(const arrow::ChunkedArray& column, std::vector<char>& keep);

/// Columns of one type, one after the other; at least one.
Column joined(const std::vector<Column>& columns);

/// Distinct values as the texts of categories, in the order of categories_of: numbers by value, texts by their bytes.
std::vector<std::string> sorted_categories(const std::set<std::string>& names, ColumnType type);
/// The column as text, with `unknown` (missing where that is null) for every value that `known` lacks.
Column replace_unknown(const Column& column, const std::set<std::string>& known, const std::string* unknown);
/// The column as text: the number, below `buckets`, of the bucket that each value's hash falls into.
Column hash_buckets(const Column& column, std::int64_t buckets);
/// For each of these categories (categories_of) a column of integers: 1 in the rows of it, 0 elsewhere.
std::vector<Column> one_hot_columns(const arrow::ChunkedArray& column,
                                    const std::vector<std::string>& values);
/// Of a column of numbers the number of the cuts (ascending) that each value is above: integers, missing where the value is.
Column numbers_of_buckets(const arrow::ChunkedArray& column, const std::vector<double>& cuts);
/// The rows of `column` at `rows`; missing where a row is -1.
Column take(const Column& column, const std::vector<std::int64_t>& rows);

/// 128 bits that tell rows apart by the values of these columns (a missing value equals a missing value): the first half of
/// their SHA-256.
struct RowHash {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const RowHash&, const RowHash&) = default;
};
std::vector<RowHash> hashes_of(const Table& table, const std::vector<std::string>& columns);

/// Calls `use(row, value)` for every row of an integer column, `missing(row)` where there is no value.
void visit_integers(const arrow::ChunkedArray& column,
                    const std::function<void(std::int64_t row, std::int64_t value)>& use,
                    const std::function<void(std::int64_t row)>& missing);

}  // namespace rankflow
