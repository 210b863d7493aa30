#include "io/table.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/text.h"
#include "io/arrow_result.h"

namespace rankflow {
namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

/// `value(array, i)` of every row asked for; `rows` ascend, so one pass over the chunks serves them.
template <typename Array, typename Value>
void gather(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, double* out,
            std::size_t stride, Value value) {
  int chunk = 0;
  std::int64_t first = 0;  // row of the chunk's first value
  for (std::size_t i = 0; i < rows.size(); ++i) {
    while (rows[i] >= first + column.chunk(chunk)->length()) first += column.chunk(chunk++)->length();
    const auto& array = static_cast<const Array&>(*column.chunk(chunk));
    const std::int64_t at = rows[i] - first;
    out[i * stride] = array.IsNull(at) ? missing : static_cast<double>(value(array, at));
  }
}

/// The first row whose text is no number, or -1.
std::int64_t first_without_number(const arrow::ChunkedArray& texts, std::string& text) {
  std::int64_t row = 0;
  for (const auto& chunk : texts.chunks()) {
    const auto& array = static_cast<const arrow::StringArray&>(*chunk);
    for (std::int64_t i = 0; i < array.length(); ++i, ++row) {
      if (array.IsNull(i)) continue;
      const arrow::StringScalar scalar{array.GetString(i)};
      if (!scalar.CastTo(arrow::float64()).ok()) {
        text = array.GetString(i);
        return row;
      }
    }
  }
  return -1;
}

/// Order of distinct values: numbers by value, texts by their bytes.
std::vector<std::int32_t> sorted_order(const arrow::Array& values, const std::vector<std::string>& names) {
  std::vector<std::int32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0);
  auto sort_by = [&](auto less) { std::sort(order.begin(), order.end(), less); };
  if (values.type_id() == arrow::Type::INT64) {
    const auto& numbers = static_cast<const arrow::Int64Array&>(values);
    sort_by([&](int a, int b) { return numbers.Value(a) < numbers.Value(b); });
  } else if (values.type_id() == arrow::Type::DOUBLE) {
    const auto& numbers = static_cast<const arrow::DoubleArray&>(values);
    sort_by([&](int a, int b) { return numbers.Value(a) < numbers.Value(b); });
  } else {
    sort_by([&](int a, int b) { return names[a] < names[b]; });
  }
  return order;
}

}  // namespace

const char* name(ColumnType type) {
  switch (type) {
    case ColumnType::boolean:
      return "boolean";
    case ColumnType::integer:
      return "integer";
    case ColumnType::real:
      return "real";
    case ColumnType::text:
      return "text";
  }
  return "?";
}

ColumnType column_type_named(const std::string& text) {
  for (const ColumnType type : {ColumnType::boolean, ColumnType::integer, ColumnType::real}) {
    if (text == name(type)) return type;
  }
  return ColumnType::text;
}

ColumnType type_of(const arrow::ChunkedArray& column) {
  switch (column.type()->id()) {
    case arrow::Type::BOOL:
      return ColumnType::boolean;
    case arrow::Type::INT64:
      return ColumnType::integer;
    case arrow::Type::DOUBLE:
      return ColumnType::real;
    case arrow::Type::STRING:
      return ColumnType::text;
    default:
      throw Error(ExitStatus::internal, str("a table column has type ", column.type()->ToString()));
  }
}

Table::Table(std::vector<TablePlace> places, std::vector<std::string> names, std::vector<Column> columns,
             std::map<std::string, std::string> left_out)
    : places_(std::move(places)), names_(std::move(names)), left_out_(std::move(left_out)) {
  for (const TablePlace& s : places_) rows_ += s.rows;
  for (std::size_t i = 0; i < names_.size(); ++i) columns_[names_[i]] = std::move(columns[i]);
}

const Column& Table::at(const std::string& name) const {
  auto it = columns_.find(name);
  if (it != columns_.end()) return it->second;
  check_not_left_out(name);
  throw Error(ExitStatus::configuration, str("there is no column \"", name, "\"", did_you_mean(name, names_),
                                             "; the columns are ", join(names_, ", ")));
}

void Table::check_not_left_out(const std::string& name) const {
  const auto why = left_out_.find(name);
  if (why == left_out_.end() || has(name)) return;
  throw Error(ExitStatus::bad_data, why->second + "; a table has booleans, numbers, texts, dates and times");
}

void Table::add(const std::string& name, Column column) {
  if (column->length() != rows_)
    throw Error(ExitStatus::internal, str("column ", name, " has another length"));
  if (!columns_.emplace(name, std::move(column)).second) {
    throw Error(ExitStatus::configuration, str("there is a column \"", name, "\" already"),
                "another name for the derived one");
  }
  names_.push_back(name);
}

void Table::set(const std::string& name, Column column) {
  if (column->length() != rows_)
    throw Error(ExitStatus::internal, str("column ", name, " has another length"));
  if (!has(name)) names_.push_back(name);
  columns_[name] = std::move(column);
}

void Table::rename(const std::string& name, const std::string& new_name) {
  Column column = at(name);
  if (has(new_name))
    throw Error(ExitStatus::configuration, str("there is a column \"", new_name, "\" already"));
  columns_.erase(name);
  columns_.emplace(new_name, std::move(column));
  std::replace(names_.begin(), names_.end(), name, new_name);
}

void Table::keep_rows(const std::vector<char>& keep) {
  std::vector<std::int64_t> left;
  for (std::size_t row = 0; row < keep.size(); ++row) {
    if (keep[row]) left.push_back(static_cast<std::int64_t>(row));
  }
  if (left.size() == keep.size()) return;
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  const std::string doing = "cannot drop rows";
  arrow::Int64Builder builder;
  check_arrow(builder.AppendValues(left), doing);
  const auto indices = value_of(builder.Finish(), doing);
  const auto options = arrow::compute::TakeOptions::NoBoundsCheck();
  for (auto& [name, column] : columns_)
    column = value_of(arrow::compute::Take(column, indices, options), doing).chunked_array();
  for (std::int64_t& row : left) row = original(row);
  rows_ = static_cast<std::int64_t>(left.size());
  originals_ = std::move(left);
}

void Table::keep_only(const std::vector<std::string>& names) {
  auto kept = [&](const std::string& n) { return std::find(names.begin(), names.end(), n) != names.end(); };
  std::erase_if(columns_, [&](const auto& entry) { return !kept(entry.first); });
  std::erase_if(names_, [&](const std::string& n) { return !kept(n); });
}

std::string Table::place(std::int64_t row) const {
  row = original(row);
  for (const TablePlace& s : places_) {
    if (row < s.rows) return str(s.path, ": row ", s.first + row + 1);
    row -= s.rows;
  }
  return "past the last row";
}

Column as_numbers(const Table& table, const std::string& name) {
  const Column& column = table.at(name);
  if (type_of(*column) != ColumnType::text) return column;
  std::string text;
  if (const auto row = first_without_number(*column, text); row >= 0) {
    throw Error(ExitStatus::bad_data,
                str(table.place(row), ": column \"", name, "\": \"", text, "\" is no number"),
                "correct the cell, list its text under `missing`, or list the column as categorical");
  }
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  return value_of(arrow::compute::Cast(column, arrow::float64()), str("column \"", name, "\""))
      .chunked_array();
}

void gather_numbers(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, double* out,
                    std::size_t stride) {
  auto value = [](const auto& array, std::int64_t i) { return array.Value(i); };
  switch (type_of(column)) {
    case ColumnType::boolean:
      return gather<arrow::BooleanArray>(column, rows, out, stride, value);
    case ColumnType::integer:
      return gather<arrow::Int64Array>(column, rows, out, stride, value);
    case ColumnType::real:
      return gather<arrow::DoubleArray>(column, rows, out, stride, value);
    case ColumnType::text:
      throw Error(ExitStatus::internal, "a text column has no numbers");
  }
}

void visit_numbers(const arrow::ChunkedArray& column,
                   const std::function<void(std::int64_t row, double value)>& use) {
  constexpr std::int64_t block = 8192;
  std::vector<std::int64_t> rows;
  std::vector<double> values;
  std::int64_t first = 0;
  for (const auto& chunk : column.chunks()) {
    const arrow::ChunkedArray alone(chunk);
    for (std::int64_t begin = 0; begin < chunk->length(); begin += block) {
      rows.resize(static_cast<std::size_t>(std::min(block, chunk->length() - begin)));
      std::iota(rows.begin(), rows.end(), begin);
      values.resize(rows.size());
      gather_numbers(alone, rows, values.data());
      for (std::size_t i = 0; i < rows.size(); ++i) use(first + rows[i], values[i]);
    }
    first += chunk->length();
  }
}

Categories categories_of(const arrow::ChunkedArray& column) {
  check_arrow(arrow::compute::Initialize(), "cannot start Arrow's functions");
  const std::string doing = "cannot find the categories of a column";
  arrow::Datum chunks(std::make_shared<arrow::ChunkedArray>(column.chunks(), column.type()));
  if (type_of(column) == ColumnType::real)  // -0 is 0
    chunks = value_of(arrow::compute::Add(chunks, arrow::Datum(0.0)), doing);
  Column encoded =
      value_of(arrow::compute::CallFunction("dictionary_encode", {chunks}), doing).chunked_array();
  encoded = value_of(arrow::DictionaryUnifier::UnifyChunkedArray(encoded), doing);

  Categories result;
  result.type = type_of(column);
  result.codes.reserve(static_cast<std::size_t>(column.length()));
  if (encoded->num_chunks() == 0) return result;
  const auto values = static_cast<const arrow::DictionaryArray&>(*encoded->chunk(0)).dictionary();
  const auto texts = value_of(arrow::compute::Cast(*values, arrow::utf8()), doing);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < texts->length(); ++i)
    names.push_back(static_cast<const arrow::StringArray&>(*texts).GetString(i));

  std::vector<std::int32_t> code_of(names.size(), -1);
  for (std::int32_t index : sorted_order(*values, names)) {
    if (names[index] == "nan" && values->type_id() == arrow::Type::DOUBLE)
      continue;  // the number that is none: missing
    code_of[index] = static_cast<std::int32_t>(result.names.size());
    result.names.push_back(names[index]);
  }
  for (const auto& chunk : encoded->chunks()) {
    const auto& array = static_cast<const arrow::DictionaryArray&>(*chunk);
    for (std::int64_t i = 0; i < array.length(); ++i) {
      result.codes.push_back(array.IsNull(i) ? -1
                                             : code_of[static_cast<std::size_t>(array.GetValueIndex(i))]);
    }
  }
  return result;
}

}  // namespace rankflow
