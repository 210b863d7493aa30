#include "io/table_columns.h"

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/util/byte_size.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/sha256.h"
#include "base/text.h"
#include "io/arrow_columns.h"
#include "io/arrow_result.h"

namespace rankflow {
namespace {

double number_in(const std::string& text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// A text column with `text(code)` for every code of the categories; null where that or the value is missing.
template <typename Text>
Column texts_of(const Categories& categories, Text text) {
  arrow::StringBuilder builder;
  const std::string doing = "cannot make a column";
  for (const std::int32_t code : categories.codes) {
    const std::string* value = code < 0 ? nullptr : text(code);
    check_arrow(value ? builder.Append(*value) : builder.AppendNull(), doing);
  }
  return std::make_shared<arrow::ChunkedArray>(value_of(builder.Finish(), doing));
}

/// -1: no boolean.
int boolean_in(const std::string& text) {
  for (const char* yes : {"true", "True", "TRUE"}) {
    if (text == yes) return 1;
  }
  for (const char* no : {"false", "False", "FALSE"}) {
    if (text == no) return 0;
  }
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number != 0 : -1;
}

std::uint64_t word_of(const std::string& digest, std::size_t from) {
  std::uint64_t word = 0;
  std::from_chars(digest.data() + from, digest.data() + from + 16, word, 16);
  return word;
}

}  // namespace

bool is_all_missing(const arrow::ChunkedArray& column) {
  return number_of_values(column) == 0;
}

std::int64_t number_of_values(const arrow::ChunkedArray& column) {
  return column.length() - column.null_count();
}

bool is_all_blank(const arrow::ChunkedArray& column) {
  if (type_of(column) != ColumnType::text) return false;
  return std::all_of(column.chunks().begin(), column.chunks().end(), [](const auto& chunk) {
    return static_cast<const arrow::StringArray&>(*chunk).total_values_length() == 0;
  });
}

std::int64_t bytes_of(const Table& table) {
  std::int64_t bytes = 0;
  for (const std::string& name : table.names()) bytes += arrow::util::TotalBufferSize(*table.at(name));
  return bytes;
}

Column with_type(const Column& column, ColumnType type, const std::string& doing) {
  return kept_column(column, doing, "", type);
}

Column missing_column(ColumnType type, std::int64_t rows) {
  return std::make_shared<arrow::ChunkedArray>(
      value_of(arrow::MakeArrayOfNull(arrow_type(type), rows), "cannot make a column"));
}

Column as_booleans(const Table& table, const std::string& name) {
  const Categories categories = categories_of(*table.at(name));
  std::vector<int> values;
  for (const std::string& text : categories.names) values.push_back(boolean_in(text));
  arrow::BooleanBuilder builder;
  const std::string doing = "cannot make a column";
  for (std::size_t row = 0; row < categories.codes.size(); ++row) {
    const std::int32_t code = categories.codes[row];
    if (code >= 0 && values[static_cast<std::size_t>(code)] < 0)
      throw Error(ExitStatus::bad_data,
                  str(table.place(static_cast<std::int64_t>(row)), ": column \"", name, "\": \"",
                      categories.names[static_cast<std::size_t>(code)], "\" is neither true nor false"),
                  "correct the cell, or list its text under `missing`");
    check_arrow(code < 0 ? builder.AppendNull() : builder.Append(values[static_cast<std::size_t>(code)] != 0),
                doing);
  }
  return std::make_shared<arrow::ChunkedArray>(value_of(builder.Finish(), doing));
}

void mark_missing(const arrow::ChunkedArray& column, std::vector<char>& keep) {
  if (column.null_count() > 0) {
    std::size_t row = 0;
    for (const auto& chunk : column.chunks()) {
      for (std::int64_t i = 0; i < chunk->length(); ++i, ++row) {
        if (chunk->IsNull(i)) keep[row] = 0;
      }
    }
  }
  if (type_of(column) != ColumnType::real) return;
  visit_numbers(column, [&](std::int64_t row, double value) {
    if (std::isnan(value)) keep[static_cast<std::size_t>(row)] = 0;
  });
}

Column joined(const std::vector<Column>& columns) {
  arrow::ArrayVector chunks;
  for (const Column& c : columns) chunks.insert(chunks.end(), c->chunks().begin(), c->chunks().end());
  return std::make_shared<arrow::ChunkedArray>(std::move(chunks), columns.front()->type());
}

std::vector<std::string> sorted_categories(const std::set<std::string>& names, ColumnType type) {
  std::vector<std::string> sorted(names.begin(), names.end());
  if (type == ColumnType::integer || type == ColumnType::real) {
    std::stable_sort(sorted.begin(), sorted.end(), [&](const std::string& a, const std::string& b) {
      if (type == ColumnType::real) return number_in(a) < number_in(b);
      return std::stoll(a) < std::stoll(b);
    });
  }
  return sorted;
}

Column replace_unknown(const Column& column, const std::set<std::string>& known, const std::string* unknown) {
  const Categories categories = categories_of(*column);
  return texts_of(categories, [&](std::int32_t code) {
    const std::string& name = categories.names[static_cast<std::size_t>(code)];
    return known.count(name) ? &name : unknown;
  });
}

Column hash_buckets(const Column& column, std::int64_t buckets) {
  const Categories categories = categories_of(*column);
  std::vector<std::string> numbers;
  for (const std::string& name : categories.names)
    numbers.push_back(str(word_of(sha256(name), 0) % static_cast<std::uint64_t>(buckets)));
  return texts_of(categories, [&](std::int32_t code) { return &numbers[static_cast<std::size_t>(code)]; });
}

std::vector<Column> one_hot_columns(const arrow::ChunkedArray& column,
                                    const std::vector<std::string>& values) {
  const Categories categories = categories_of(column);
  const std::string doing = "cannot make a column";
  std::vector<Column> columns;
  for (const std::string& value : values) {
    const auto name = std::find(categories.names.begin(), categories.names.end(), value);
    const auto code =
        name == categories.names.end() ? -2 : static_cast<std::int32_t>(name - categories.names.begin());
    arrow::Int64Builder builder;
    check_arrow(builder.Reserve(std::ssize(categories.codes)), doing);
    for (const std::int32_t c : categories.codes) builder.UnsafeAppend(c == code);
    columns.push_back(std::make_shared<arrow::ChunkedArray>(value_of(builder.Finish(), doing)));
  }
  return columns;
}

Column numbers_of_buckets(const arrow::ChunkedArray& column, const std::vector<double>& cuts) {
  arrow::Int64Builder builder;
  const std::string doing = "cannot make a column";
  check_arrow(builder.Reserve(column.length()), doing);
  visit_numbers(column, [&](std::int64_t, double value) {
    if (std::isnan(value)) return builder.UnsafeAppendNull();
    builder.UnsafeAppend(std::lower_bound(cuts.begin(), cuts.end(), value) - cuts.begin());
  });
  return std::make_shared<arrow::ChunkedArray>(value_of(builder.Finish(), doing));
}

Column take(const Column& column, const std::vector<std::int64_t>& rows) {
  const std::string doing = "cannot take rows";
  arrow::Int64Builder builder;
  for (const std::int64_t row : rows)
    check_arrow(row < 0 ? builder.AppendNull() : builder.Append(row), doing);
  return value_of(arrow::compute::Take(column, value_of(builder.Finish(), doing)), doing).chunked_array();
}

std::vector<RowHash> hashes_of(const Table& table, const std::vector<std::string>& columns) {
  std::vector<Categories> categories;
  for (const std::string& name : columns) categories.push_back(categories_of(*table.at(name)));
  std::vector<RowHash> hashes;
  std::string key;
  for (std::size_t row = 0; row < static_cast<std::size_t>(table.rows()); ++row) {
    key.clear();
    for (const Categories& c : categories) {
      const std::int32_t code = c.codes[row];
      if (code < 0) {
        key += "-;";
        continue;
      }
      const std::string& name = c.names[static_cast<std::size_t>(code)];
      key += std::to_string(name.size());
      key += ':';
      key += name;
    }
    const std::string digest = sha256(key);
    hashes.push_back({word_of(digest, 0), word_of(digest, 16)});
  }
  return hashes;
}

void visit_integers(const arrow::ChunkedArray& column,
                    const std::function<void(std::int64_t row, std::int64_t value)>& use,
                    const std::function<void(std::int64_t row)>& missing) {
  if (type_of(column) != ColumnType::integer)
    throw Error(ExitStatus::internal, "a column is not of integers");
  std::int64_t row = 0;
  for (const auto& chunk : column.chunks()) {
    const auto& integers = static_cast<const arrow::Int64Array&>(*chunk);
    for (std::int64_t i = 0; i < integers.length(); ++i, ++row) {
      if (integers.IsNull(i))
        missing(row);
      else
        use(row, integers.Value(i));
    }
  }
}

}  // namespace rankflow
