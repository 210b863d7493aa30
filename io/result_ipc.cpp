#include "io/result_ipc.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/text.h"
#include "io/arrow_result.h"
#include "io/arrow_stream.h"
#include "io/result_arrow.h"

namespace rankflow {
namespace {

template <typename T>
T take(arrow::Result<T> result) {
  return value_of(std::move(result), "Arrow IPC");
}

/// All elements of a matrix, row after row, where they lie.
std::shared_ptr<arrow::Array> flat_array(const ResultColumn& column, const ResultValues& values) {
  ResultColumn flat = column;
  flat.labels.resize(1);
  if (!column.categories.empty() || column.type == ResultType::boolean || column.type == ResultType::text)
    return arrow_array(flat, values, 0);
  return std::visit(
      [&](const auto& numbers) -> std::shared_ptr<arrow::Array> {
        if constexpr (std::is_same_v<typename std::decay_t<decltype(numbers)>::value_type, std::string>) {
          return arrow_array(flat, values, 0);
        } else {
          return arrow::MakeArray(arrow::ArrayData::Make(arrow_type(flat), std::ssize(numbers),
                                                         {nullptr, arrow::Buffer::Wrap(numbers)}, 0));
        }
      },
      values);
}

std::shared_ptr<arrow::Array> field_array(const ResultColumn& column, const ResultValues& values) {
  if (!column.matrix) return flat_array(column, values);
  return take(
      arrow::FixedSizeListArray::FromArrays(flat_array(column, values), static_cast<int>(column.width())));
}

std::shared_ptr<arrow::Field> field_of(const ResultColumn& column, bool missing) {
  const bool nullable = missing || column.gaps || !column.categories.empty();
  if (!column.matrix) return arrow::field(column.name, arrow_type(column), nullable);
  return arrow::field(column.name,
                      arrow::fixed_size_list(arrow_type(column), static_cast<int>(column.width())), nullable,
                      arrow::key_value_metadata({{"labels", Json(column.labels).dump()}}));
}

/// The array with nulls where `missing` says so.
std::shared_ptr<arrow::Array> without_values(const arrow::Array& array,
                                             const std::vector<std::uint8_t>& missing) {
  arrow::TypedBufferBuilder<bool> valid;
  for (const std::uint8_t m : missing) check_arrow(valid.Append(m == 0), "Arrow IPC");
  const auto data = array.data()->Copy();
  data->buffers[0] = take(valid.Finish());
  data->null_count = arrow::kUnknownNullCount;
  return arrow::MakeArray(data);
}

ResultType result_type(const arrow::Field& field) {
  switch (field.type()->id()) {
    case arrow::Type::NA:
      return ResultType::missing;
    case arrow::Type::BOOL:
      return ResultType::boolean;
    case arrow::Type::INT64:
      return ResultType::integer;
    case arrow::Type::FLOAT:
      return ResultType::real32;
    case arrow::Type::DOUBLE:
      return ResultType::real64;
    case arrow::Type::STRING:
      return ResultType::text;
    default:
      throw Error(ExitStatus::bad_data,
                  str("column ", field.name(), " of the results holds ", field.type()->ToString()));
  }
}

/// The array's values, and `null` where there is none.
template <typename Array, typename T>
void append(const arrow::Array& array, T null, std::vector<T>& values) {
  const auto& typed = static_cast<const Array&>(array);
  if constexpr (requires { values.insert(values.end(), typed.raw_values(), typed.raw_values()); }) {
    if (array.null_count() == 0) {
      values.insert(values.end(), typed.raw_values(), typed.raw_values() + array.length());
      return;
    }
  }
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if (array.IsNull(i))
      values.push_back(null);
    else if constexpr (std::is_same_v<T, std::string>)
      values.emplace_back(typed.GetView(i));
    else
      values.push_back(static_cast<T>(typed.Value(i)));
  }
}

void append(const arrow::Array& array, ResultType type, ResultValues& values) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  switch (type) {
    case ResultType::boolean:
      return append<arrow::BooleanArray>(array, std::uint8_t{0}, std::get<std::vector<std::uint8_t>>(values));
    case ResultType::integer:
      return append<arrow::Int64Array>(array, std::int64_t{0}, std::get<std::vector<std::int64_t>>(values));
    case ResultType::real32:
      return append<arrow::FloatArray>(array, static_cast<float>(nan), std::get<std::vector<float>>(values));
    case ResultType::real64:
      return append<arrow::DoubleArray>(array, nan, std::get<std::vector<double>>(values));
    case ResultType::text:
      return append<arrow::StringArray>(array, std::string(), std::get<std::vector<std::string>>(values));
    case ResultType::missing: {
      auto& reals = std::get<std::vector<double>>(values);
      reals.resize(reals.size() + static_cast<std::size_t>(array.length()), nan);
      return;
    }
    case ResultType::byte:
    case ResultType::nan:
      break;
  }
  throw Error(ExitStatus::internal, "no results hold bytes");
}

void append_missing(const arrow::Array& array, std::size_t rows_before, std::vector<std::uint8_t>& missing) {
  if (array.null_count() == 0 && missing.empty()) return;
  missing.resize(rows_before);
  for (std::int64_t i = 0; i < array.length(); ++i) missing.push_back(array.IsNull(i));
}

bool all_missing(const ResultValues& values) {
  return std::visit(
      [](const auto& all) {
        if constexpr (std::is_floating_point_v<typename std::decay_t<decltype(all)>::value_type>)
          return !all.empty() && std::all_of(all.begin(), all.end(), [](auto v) { return std::isnan(v); });
        return false;
      },
      values);
}

/// What all batches together say about a column.
void settle(ResultColumn& column, ResultValues& values, const std::vector<std::uint8_t>& missing) {
  column.gaps = !missing.empty();
  if (!is_real(column.type) || !all_missing(values)) return;
  column.type = ResultType::nan;
  const std::size_t rows = std::visit([](const auto& all) { return all.size(); }, values);
  values = std::vector<double>(rows, std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

std::string to_ipc(const ResultSchema& schema, const ResultTable& table) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    const bool missing = c < table.missing.size() && !table.missing[c].empty();
    fields.push_back(field_of(schema[c], missing));
    arrays.push_back(field_array(schema[c], table.columns[c]));
    if (missing) arrays.back() = without_values(*arrays.back(), table.missing[c]);
  }
  return ipc_stream(*arrow::Table::Make(arrow::schema(fields), arrays, table.rows), "Arrow IPC");
}

IpcTable from_ipc(std::string_view bytes) {
  const auto buffer = std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(
      reinterpret_cast<const std::uint8_t*>(bytes.data()), std::ssize(bytes)));
  const auto reader = take(arrow::ipc::RecordBatchStreamReader::Open(buffer));
  IpcTable result;
  for (const auto& field : reader->schema()->fields())
    result.schema.push_back(plain_column(field->name(), result_type(*field)));
  ResultTable& table = result.table;
  table = empty_table(result.schema);
  table.missing.resize(result.schema.size());
  while (const auto batch = take(reader->Next())) {
    check_arrow(batch->ValidateFull(), "Arrow IPC");
    for (std::size_t c = 0; c < result.schema.size(); ++c) {
      const auto& array = *batch->column(static_cast<int>(c));
      const ResultType type = result.schema[c].type;
      append(array, type, table.columns[c]);
      if (!is_real(type) && type != ResultType::missing)
        append_missing(array, static_cast<std::size_t>(table.rows), table.missing[c]);
    }
    table.rows += batch->num_rows();
  }
  for (std::size_t c = 0; c < result.schema.size(); ++c)
    settle(result.schema[c], table.columns[c], table.missing[c]);
  return result;
}

}  // namespace rankflow
