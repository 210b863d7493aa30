#include "steps/table_rows.h"

#include <algorithm>
#include <cmath>

#include "base/text.h"
#include "io/column_values.h"
#include "io/table_columns.h"

namespace rankflow {
namespace {

// No column of a file is called so: names in files are not empty, and this one can't be typed.
const char* const target_name = "\x01target";

/// Drops rows without a value in the column; returns how many.
std::int64_t drop_missing(TablePart& part, const std::string& name) {
  std::vector<char> keep(static_cast<std::size_t>(part.table.rows()), 1);
  mark_missing(*part.table.at(name), keep);
  const auto dropped = std::count(keep.begin(), keep.end(), 0);
  if (dropped > 0) part.keep_rows(keep);
  return dropped;
}

void check_values(const TablePart& part, const std::string& name, bool missing_allowed) {
  visit_numbers(*part.table.at(name), [&](std::int64_t row, double value) {
    if (std::isfinite(value) || (std::isnan(value) && missing_allowed)) return;
    throw Error(ExitStatus::bad_data,
                str(part.table.place(row), ": column \"", name, "\" has ",
                    std::isnan(value) ? "no value" : "an infinite value"),
                std::isnan(value) ? "missing_values: mean or drop" : "leave such rows out with `filter`");
  });
}

}  // namespace

std::int64_t TableRows::bytes() const {
  const auto rows = static_cast<std::int64_t>(numbers.size());
  std::int64_t bytes =
      rows * static_cast<std::int64_t>(numeric.size() * 8 + categorical.size() * 4 + 8 + 8 + 1);
  for (const Column& column : carried) bytes += bytes_of(*column);
  return bytes;
}

std::vector<std::int64_t> TableRows::rows_in(std::uint8_t wanted) const {
  std::vector<std::int64_t> rows;
  for (std::size_t row = 0; row < split.size(); ++row) {
    if (split[row] == wanted) rows.push_back(static_cast<std::int64_t>(row));
  }
  return rows;
}

std::vector<OutputColumn> TableRows::columns(const FeatureEncoding& encoding,
                                             const std::optional<TargetRule>& rule,
                                             const CarriedColumns& along) const {
  std::vector<OutputColumn> columns = feature_columns(encoding, numeric, categorical);
  if (rule) columns.push_back(rule->column(*target));
  columns.push_back({{"row", DType::i64, {}}, [this](std::span<const std::int64_t> rows, std::byte* out) {
                       auto* to = reinterpret_cast<std::int64_t*>(out);
                       for (const std::int64_t row : rows) *to++ = numbers[static_cast<std::size_t>(row)];
                     }});
  for (OutputColumn& column : along.columns(carried)) columns.push_back(std::move(column));
  return columns;
}

std::vector<ColumnInfo> column_infos(const FeatureEncoding& encoding, const std::optional<TargetRule>& rule,
                                     const CarriedColumns& carried) {
  std::vector<ColumnInfo> infos;
  const auto width = [](std::size_t n) { return std::vector<std::int64_t>{static_cast<std::int64_t>(n)}; };
  if (!encoding.numeric.empty()) infos.push_back({"features", DType::f32, width(encoding.numeric.size())});
  if (!encoding.categorical.empty())
    infos.push_back({"categories", DType::i64, width(encoding.categorical.size())});
  if (rule) infos.push_back({"target", rule->classification() ? DType::i64 : DType::f32, {}});
  infos.push_back({"row", DType::i64, {}});
  for (ColumnInfo& info : carried.infos()) infos.push_back(std::move(info));
  return infos;
}

TableRows take_rows(TablePart part, const FeatureNames& features, std::optional<TargetRule>& rule,
                    CarriedColumns& carried, const std::string& missing, DroppedRows& dropped) {
  carried.set_aside(part.table);  // before numeric features become numbers
  if (rule) {
    part.table.set(target_name, rule->of(part.table));
    dropped.target += drop_missing(part, target_name);
    rule->look(part, part.table.at(target_name));
  }
  for (const std::string& name : features.numeric) part.table.set(name, as_numbers(part.table, name));
  for (const std::string& name : features.numeric) {
    if (missing == "drop") dropped.features += drop_missing(part, name);
  }
  TableRows rows;
  for (const std::string& name : features.numeric) {
    check_values(part, name, missing != "error");
    rows.numeric.push_back(part.table.at(name));
  }
  for (const std::string& name : features.categorical)
    rows.categorical.push_back({name, categories_of(*part.table.at(name))});
  if (rule) rows.target = part.table.at(target_name);
  rows.carried = carried.take(part);
  for (std::int64_t row = 0; row < part.table.rows(); ++row) rows.numbers.push_back(part.source_row(row));
  rows.split = std::move(part.split);
  return rows;
}

}  // namespace rankflow
