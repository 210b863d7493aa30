// Rows of results as they go into files of any format: named columns of numbers, categories or texts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/json.h"

namespace rankflow {

enum class ResultType { boolean, byte, integer, real32, real64, text };
const char* name(ResultType type);

/// One value for each row, or (`matrix`) one for each label.
struct ResultColumn {
  std::string name;
  ResultType type = ResultType::integer;
  bool matrix = false;
  /// Names of the row's elements, for formats that have plain columns only; of a column that is no matrix: its name.
  std::vector<std::string> labels;
  /// Where there are any: the integers are indices into them, -1 where the category is missing.
  std::vector<std::string> categories;

  std::size_t width() const { return labels.size(); }
};
using ResultSchema = std::vector<ResultColumn>;
ResultColumn plain_column(std::string name, ResultType type, std::vector<std::string> categories = {});

Json to_json(const ResultSchema& schema);
ResultSchema result_schema(const Json& json);
/// Of one value; 0 for texts, which differ in length.
std::size_t bytes_of(ResultType type);

/// Row-major; of the column's type: boolean and byte, integer, real32, real64, text.
using ResultValues = std::variant<std::vector<std::uint8_t>, std::vector<std::int64_t>, std::vector<float>,
                                  std::vector<double>, std::vector<std::string>>;
ResultValues no_values(ResultType type);

struct ResultTable {
  std::int64_t rows = 0;
  std::vector<ResultValues> columns;  // as the schema has them

  void append(ResultTable&& more);
  /// Rows [begin, end).
  ResultTable slice(const ResultSchema& schema, std::int64_t begin, std::int64_t end) const;
};
ResultTable empty_table(const ResultSchema& schema);

/// The table's bytes, column by column: numbers as they lie in memory, texts as their lengths (u32) and characters.
std::string encoded(const ResultTable& table);
/// What `encoded` wrote. Throws Error (bad_data) where the bytes are not those of `rows` rows.
ResultTable decoded(const ResultSchema& schema, std::int64_t rows, std::string_view bytes);

}  // namespace rankflow
