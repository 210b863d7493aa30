#include "steps/input_columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "io/carried.h"

namespace rankflow {
namespace {

template <typename T>
std::vector<T> values_of(const Dataset& data, const ColumnInfo& column, Range rows) {
  std::vector<T> values(static_cast<std::size_t>(rows.size() * column.elements()));
  data.copy(column.name, rows, values.data());
  return values;
}

ResultType result_type(DType type) {
  switch (type) {
    case DType::u8:
      return ResultType::byte;
    case DType::f32:
      return ResultType::real32;
    case DType::f64:
      return ResultType::real64;
    default:
      return ResultType::integer;
  }
}

ResultValues whole_column(const Dataset& data, const ColumnInfo& column, Range rows) {
  switch (column.dtype) {
    case DType::u8:
      return values_of<std::uint8_t>(data, column, rows);
    case DType::f32:
      return values_of<float>(data, column, rows);
    case DType::f64:
      return values_of<double>(data, column, rows);
    case DType::i32: {
      const auto narrow = values_of<std::int32_t>(data, column, rows);
      return std::vector<std::int64_t>(narrow.begin(), narrow.end());
    }
    default:
      return values_of<std::int64_t>(data, column, rows);
  }
}

/// Names that the schema has for the elements of a row, or NAME_0, NAME_1, ….
std::vector<std::string> element_names(const DatasetInfo& info, const ColumnInfo& column) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < column.elements(); ++i) {
    const auto described = info.schema.find(column.name);
    const bool named = described != info.schema.end() && described->is_array() &&
                       std::ssize(*described) == column.elements() &&
                       described->at(static_cast<std::size_t>(i)).is_object();
    names.push_back(named ? described->at(static_cast<std::size_t>(i)).at("name").get<std::string>()
                          : str(column.name, "_", i));
  }
  return names;
}

InputColumn dataset_column(const DatasetInfo& info, const ColumnInfo& column) {
  InputColumn input{plain_column(column.name, result_type(column.dtype)),
                    [column](const Dataset& data, Range rows) { return whole_column(data, column, rows); }};
  if (!column.shape.empty()) {
    input.column.matrix = true;
    input.column.labels = element_names(info, column);
  } else if (column.name == "target" && info.schema.value("task", "") == "classification") {
    input.column.categories = info.schema.at("classes").get<std::vector<std::string>>();
  }
  return input;
}

/// The number that a feature of `float32` precision stands for: of all that it may be, the one with the fewest decimals, as
/// numbers are written by default (2001 was kept as -0.37, which is 2000.9999999283 on its way back).
double in_own_units(float kept, double scale, double mean) {
  const double value = kept * scale + mean;
  const double size = std::abs(static_cast<double>(kept));
  const double step = std::nextafter(std::abs(kept), std::numeric_limits<float>::infinity()) - size;
  const double tolerance = 0.51 * step * scale;  // half a step, and some for the arithmetic in doubles
  if (!(tolerance > 0) || !std::isfinite(value)) return value;
  if (std::abs(value) <= tolerance) return 0;
  const int least = static_cast<int>(std::floor(std::log10(tolerance)));
  for (int place = static_cast<int>(std::floor(std::log10(std::abs(value)))); place >= least; --place) {
    const double unit = std::pow(10.0, std::abs(place));  // exact up to 10^22
    const double rounded = place < 0 ? std::round(value * unit) / unit : std::round(value / unit) * unit;
    if (std::abs(rounded - value) <= tolerance) return rounded;
  }
  return value;
}

/// In its own type and values.
InputColumn carried_column(const ColumnInfo& column, ColumnType type) {
  const auto plain = [&](ResultType as) {
    return InputColumn{plain_column(column.name, as), [column](const Dataset& data, Range rows) {
                         return whole_column(data, column, rows);
                       }};
  };
  switch (type) {
    case ColumnType::boolean:
      return plain(ResultType::boolean);
    case ColumnType::integer:
      return plain(ResultType::integer);
    case ColumnType::real:
      return plain(ResultType::real64);
    case ColumnType::text:
      break;
  }
  return {plain_column(column.name, ResultType::text), [column](const Dataset& data, Range rows) {
            std::vector<std::string> texts;
            data.for_each_row(column.name, rows,
                              [&](const std::byte* row) { texts.emplace_back(text_at(row, column)); });
            return ResultValues(std::move(texts));
          }};
}

InputColumn feature_column(const Json& feature, const ColumnInfo& all, std::size_t index) {
  const double mean = feature.at("mean"), scale = feature.at("scale");
  return {plain_column(feature.at("name"), ResultType::real64), [=](const Dataset& data, Range rows) {
            std::vector<double> values;
            data.for_each_row(all.name, rows, [&](const std::byte* row) {
              values.push_back(in_own_units(reinterpret_cast<const float*>(row)[index], scale, mean));
            });
            return ResultValues(std::move(values));
          }};
}

InputColumn category_column(const Json& category, const ColumnInfo& all, std::size_t index) {
  return {plain_column(category.at("name"), ResultType::integer,
                       category.at("vocabulary").get<std::vector<std::string>>()),
          [=](const Dataset& data, Range rows) {
            std::vector<std::int64_t> codes;
            data.for_each_row(all.name, rows, [&](const std::byte* row) {
              codes.push_back(reinterpret_cast<const std::int64_t*>(row)[index] - 1);
            });
            return ResultValues(std::move(codes));
          }};
}

}  // namespace

InputColumn input_column(const DatasetInfo& info, const std::string& name) {
  std::vector<std::string> known;
  if (const auto carried = carried_type(info, name)) return carried_column(info.at(name), *carried);
  if (const ColumnInfo* column = info.find(name)) return dataset_column(info, *column);
  for (const ColumnInfo& column : info.columns) known.push_back(column.name);
  for (const char* group : {"features", "categories"}) {
    const Json described = info.schema.value(group, Json::array());
    for (std::size_t i = 0; i < described.size(); ++i) {
      if (!described[i].is_object()) continue;
      known.push_back(described[i].at("name"));
      if (known.back() != name) continue;
      return std::string(group) == "features" ? feature_column(described[i], info.at(group), i)
                                              : category_column(described[i], info.at(group), i);
    }
  }
  throw Error(ExitStatus::configuration,
              str("input_columns: the dataset has no column ", in_quotes(name), did_you_mean(name, known)),
              str("one of ", join(known, ", ")));
}

}  // namespace rankflow
