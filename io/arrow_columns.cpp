#include "io/arrow_columns.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/util/decimal.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/text.h"
#include "io/arrow_result.h"

namespace rankflow {
namespace {

std::string cell_place(const std::string& file, const std::string& column, std::int64_t row) {
  return row < 0 ? str(file, ": column \"", column, "\"")
                 : str(file, ": row ", row + 1, ": column \"", column, "\"");
}

/// Throws for the first value that can't be converted; `status` where none is found.
[[noreturn]] void report_value(const Column& column, const std::shared_ptr<arrow::DataType>& type,
                               const std::string& file, const std::string& name, std::int64_t first_row,
                               const arrow::Status& status) {
  std::int64_t row = 0;
  for (const auto& chunk : column->chunks()) {
    for (std::int64_t i = 0; i < chunk->length(); ++i, ++row) {
      const auto scalar = chunk->GetScalar(i);
      if (!scalar.ok() || !(*scalar)->is_valid || (*scalar)->CastTo(type).ok()) continue;
      const std::string text = (*scalar)->ToString().substr(0, 80);
      throw Error(ExitStatus::bad_data,
                  str(cell_place(file, name, first_row < 0 ? -1 : first_row + row), ": \"", text, "\" is no ",
                      type->id() == arrow::Type::INT64    ? "integer"
                      : type->id() == arrow::Type::DOUBLE ? "number"
                      : type->id() == arrow::Type::BOOL   ? "boolean"
                                                          : "text"),
                  str("correct the cell, take its text for missing (missing: [", in_quotes(text),
                      "]), or declare another type under `schema`"));
    }
  }
  check_arrow(status, cell_place(file, name, -1));
  throw Error(ExitStatus::internal, "a conversion failed without a reason");
}

/// The number nearest to a decimal, as programs read its text; Arrow's conversion misses that by one unit in the last place for many.
template <typename Array>
double nearest_number(const Array& decimals, std::int64_t i) {
  const std::string text = decimals.FormatValue(i);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double nearest_number(const arrow::Decimal128Array& decimals, std::int64_t i) {
  // Powers of ten that are exact doubles: the quotient of two of those is rounded once.
  static constexpr double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  const auto scale = static_cast<const arrow::Decimal128Type&>(*decimals.type()).scale();
  const arrow::Decimal128 unscaled(decimals.GetValue(i));
  if (scale < 0 || scale > 22 || !unscaled.FitsInPrecision(15))
    return nearest_number<arrow::Decimal128Array>(decimals, i);
  return static_cast<double>(static_cast<std::int64_t>(unscaled.low_bits())) / powers[scale];
}

template <typename Array>
std::shared_ptr<arrow::Array> numbers_of(const arrow::Array& chunk) {
  const auto& decimals = static_cast<const Array&>(chunk);
  arrow::DoubleBuilder builder;
  const std::string doing = "cannot make a column";
  check_arrow(builder.Reserve(decimals.length()), doing);
  for (std::int64_t i = 0; i < decimals.length(); ++i) {
    if (decimals.IsNull(i))
      builder.UnsafeAppendNull();
    else
      builder.UnsafeAppend(nearest_number(decimals, i));
  }
  return value_of(builder.Finish(), doing);
}

Column without_decimals(const Column& column) {
  arrow::ArrayVector chunks;
  for (const auto& chunk : column->chunks()) {
    switch (column->type()->id()) {
      case arrow::Type::DECIMAL32:
        chunks.push_back(numbers_of<arrow::Decimal32Array>(*chunk));
        break;
      case arrow::Type::DECIMAL64:
        chunks.push_back(numbers_of<arrow::Decimal64Array>(*chunk));
        break;
      case arrow::Type::DECIMAL128:
        chunks.push_back(numbers_of<arrow::Decimal128Array>(*chunk));
        break;
      default:
        chunks.push_back(numbers_of<arrow::Decimal256Array>(*chunk));
    }
  }
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), arrow::float64());
}

Column converted(const Column& column, const std::shared_ptr<arrow::DataType>& type, const std::string& file,
                 const std::string& name, std::int64_t first_row) {
  if (column->type()->Equals(*type)) return column;
  if (column->type()->id() == arrow::Type::NA || column->null_count() == column->length()) {
    auto nulls = value_of(arrow::MakeArrayOfNull(type, column->length()), name);
    return std::make_shared<arrow::ChunkedArray>(nulls);
  }
  if (type->id() == arrow::Type::DOUBLE && arrow::is_decimal(column->type()->id()))
    return without_decimals(column);
  // Of numbers only 0 and 1 are booleans: their texts say so, where Arrow's conversion takes any other for true.
  if (type->id() == arrow::Type::BOOL && arrow::is_integer(column->type()->id()))
    return converted(converted(column, arrow::utf8(), file, name, first_row), type, file, name, first_row);
  auto options = arrow::compute::CastOptions::Safe(type);
  // A large integer that becomes a real is rounded, as it is where it is read as one.
  options.allow_float_truncate = type->id() == arrow::Type::DOUBLE && arrow::is_integer(column->type()->id());
  auto result = arrow::compute::Cast(column, options);
  if (!result.ok()) report_value(column, type, file, name, first_row, result.status());
  return result->chunked_array();
}

/// nullopt: values that a table can't hold.
std::optional<ColumnType> type_in_table(const arrow::DataType& type) {
  using arrow::Type;
  const Type::type id = type.id();
  if (id == Type::DICTIONARY)
    return type_in_table(*static_cast<const arrow::DictionaryType&>(type).value_type());
  if (id == Type::BOOL) return ColumnType::boolean;
  if (arrow::is_integer(id)) return ColumnType::integer;
  if (id == Type::NA || arrow::is_floating(id) || arrow::is_decimal(id)) return ColumnType::real;
  if (arrow::is_base_binary_like(id) || id == Type::STRING_VIEW || id == Type::BINARY_VIEW ||
      arrow::is_date(id) || arrow::is_time(id) || id == Type::TIMESTAMP)
    return ColumnType::text;
  return std::nullopt;
}

/// The values behind the indices of a dictionary: Arrow's own conversion knows fewer types of them than programs write.
Column without_dictionary(const Column& column, const std::string& file, const std::string& name) {
  arrow::ArrayVector chunks;
  for (const auto& chunk : column->chunks()) {
    const auto& array = static_cast<const arrow::DictionaryArray&>(*chunk);
    const Column values =
        kept_column(std::make_shared<arrow::ChunkedArray>(array.dictionary()), file, name, std::nullopt, -1);
    const auto taken =
        value_of(arrow::compute::Take(arrow::Datum(values), arrow::Datum(array.indices())), file);
    const auto& pieces = taken.chunked_array()->chunks();
    chunks.insert(chunks.end(), pieces.begin(), pieces.end());
  }
  const auto& values = static_cast<const arrow::DictionaryType&>(*column->type()).value_type();
  return std::make_shared<arrow::ChunkedArray>(chunks, arrow_type(kept_type(*values, file, name)));
}

}  // namespace

std::shared_ptr<arrow::DataType> arrow_type(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
      return arrow::boolean();
    case ColumnType::integer:
      return arrow::int64();
    case ColumnType::real:
      return arrow::float64();
    case ColumnType::text:
      return arrow::utf8();
  }
  throw Error(ExitStatus::internal, "unknown type of column");
}

ColumnType kept_type(const arrow::DataType& type, const std::string& file, const std::string& column) {
  if (const auto kept = type_in_table(type)) return *kept;
  throw Error(ExitStatus::bad_data,
              str(file, ": column \"", column, "\" holds values of type ", type.ToString(),
                  "; a table has booleans, numbers, texts, dates and times"));
}

std::optional<ColumnType> said_type(const arrow::DataType& type) {
  return type.id() == arrow::Type::NA ? std::nullopt : type_in_table(type);
}

std::map<std::string, std::string> columns_left_out(const arrow::Schema& schema) {
  std::map<std::string, std::string> columns;
  for (const auto& field : schema.fields()) {
    if (!type_in_table(*field->type())) columns[field->name()] = field->type()->ToString();
  }
  return columns;
}

Column kept_column(const Column& column, const std::string& file, const std::string& name,
                   const std::optional<ColumnType>& type, std::int64_t first_row) {
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  const ColumnType kept = kept_type(*column->type(), file, name);
  Column plain = column;
  if (column->type()->id() == arrow::Type::DICTIONARY) plain = without_dictionary(column, file, name);
  plain = converted(plain, arrow_type(kept), file, name, first_row);
  return type ? converted(plain, arrow_type(*type), file, name, first_row) : plain;
}

Table kept_table(const arrow::Table& table, const std::string& file, const ReadRequest& request) {
  std::vector<std::string> names;
  std::vector<Column> columns;
  for (int c = 0; c < table.num_columns(); ++c) {
    const std::string& name = table.field(c)->name();
    if (!request.columns.empty() &&
        std::find(request.columns.begin(), request.columns.end(), name) == request.columns.end())
      continue;
    const auto type = request.types.find(name);
    const bool asked_for = !request.columns.empty() || type != request.types.end();
    if (!asked_for && !type_in_table(*table.field(c)->type())) continue;
    names.push_back(name);
    columns.push_back(kept_column(table.column(c), file, name,
                                  type == request.types.end() ? std::nullopt : std::optional(type->second),
                                  request.first_row));
  }
  const std::int64_t first = std::max<std::int64_t>(request.first_row, 0);
  return Table({{file, table.num_rows(), first}}, std::move(names), std::move(columns));
}

void check_column_names(const std::vector<std::string>& names, const std::string& file) {
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty()) throw Error(ExitStatus::bad_data, str(file, ": a column has no name"), "name it");
    if (!seen.insert(name).second)
      throw Error(ExitStatus::bad_data, str(file, ": two columns are called \"", name, "\""));
  }
}

}  // namespace rankflow
