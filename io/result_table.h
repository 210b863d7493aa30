// Rows of results as they go into files of any format: named columns of numbers, categories or texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "io/result_types.h"

namespace rankflow {

/// One value for each row, or (`matrix`) one for each label.
struct ResultColumn {
  std::string name;
  ResultType type = ResultType::integer;
  bool matrix = false;
  /// Names of the row's elements, for formats that have plain columns only; of a column that is no matrix: its name.
  std::vector<std::string> labels;
  /// Where there are any: the integers are indices into them, -1 where the category is missing.
  std::vector<std::string> categories;
  /// Some rows may have no value (ResultTable::missing). Of reals (NaN) and categories (-1) that need not be said.
  bool gaps = false;

  std::size_t width() const { return labels.size(); }
};
using ResultSchema = std::vector<ResultColumn>;
ResultColumn plain_column(std::string name, ResultType type, std::vector<std::string> categories = {});

Json to_json(const ResultSchema& schema);
ResultSchema result_schema(const Json& json);
/// The schema of rows of both: the same columns, of types that serve both. nullopt: there is none.
std::optional<ResultSchema> common_schema(const ResultSchema& a, const ResultSchema& b);
/// "score (real64), label (text)".
std::string described(const ResultSchema& schema);

struct ResultTable {
  std::int64_t rows = 0;
  std::vector<ResultValues> columns;  // as the schema has them
  /// For each column 1 for a row without a value, whatever stands for it in `columns`, or nothing where only NaN and -1 say so. Those
  /// of the last columns may be left out.
  std::vector<std::vector<std::uint8_t>> missing = {};

  bool is_missing(std::size_t column, std::int64_t row) const {
    return column < missing.size() && !missing[column].empty() &&
           missing[column][static_cast<std::size_t>(row)] != 0;
  }
  /// Of the same schema.
  void append(ResultTable&& more);
  /// Rows [begin, end).
  ResultTable slice(const ResultSchema& schema, std::int64_t begin, std::int64_t end) const;
};
ResultTable empty_table(const ResultSchema& schema);

/// The same rows in a schema that serves them (common_schema). Throws Error (internal) for another.
ResultTable with_schema(ResultTable table, const ResultSchema& own, const ResultSchema& wanted);

/// The table's bytes, column by column: its type, whether it says which rows are missing and which (a byte each), and the values:
/// numbers as they lie in memory, texts as their lengths (u32) and characters.
std::string encoded(const ResultSchema& schema, const ResultTable& table);
/// What `encoded` wrote, with the types of `schema`, which serve those that the bytes say (values_as). Throws Error (bad_data) where the
/// bytes are not those of `rows` rows.
ResultTable decoded(const ResultSchema& schema, std::int64_t rows, std::string_view bytes);

}  // namespace rankflow
