#include "io/result_ipc.h"

#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/api.h>

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

std::shared_ptr<arrow::Field> field_of(const ResultColumn& column) {
  if (!column.matrix) return arrow::field(column.name, arrow_type(column));
  return arrow::field(column.name,
                      arrow::fixed_size_list(arrow_type(column), static_cast<int>(column.width())),
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

template <typename Array, typename T>
void append(const arrow::Array& array, std::vector<T>& values) {
  const auto& typed = static_cast<const Array&>(array);
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if constexpr (std::is_same_v<T, std::string>)
      values.emplace_back(typed.GetView(i));
    else
      values.push_back(static_cast<T>(typed.Value(i)));
  }
}

void append(const arrow::Array& array, ResultType type, ResultValues& values) {
  if (array.null_count() > 0) throw Error(ExitStatus::bad_data, "results have missing values");
  switch (type) {
    case ResultType::boolean:
      return append<arrow::BooleanArray>(array, std::get<std::vector<std::uint8_t>>(values));
    case ResultType::integer:
      return append<arrow::Int64Array>(array, std::get<std::vector<std::int64_t>>(values));
    case ResultType::real32:
      return append<arrow::FloatArray>(array, std::get<std::vector<float>>(values));
    case ResultType::real64:
      return append<arrow::DoubleArray>(array, std::get<std::vector<double>>(values));
    case ResultType::text:
      return append<arrow::StringArray>(array, std::get<std::vector<std::string>>(values));
    case ResultType::byte:
      break;
  }
  throw Error(ExitStatus::internal, "no results hold bytes");
}

}  // namespace

std::string to_ipc(const ResultSchema& schema, const ResultTable& table,
                   const std::vector<std::vector<std::uint8_t>>& missing) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    fields.push_back(field_of(schema[c]));
    arrays.push_back(field_array(schema[c], table.columns[c]));
    if (c < missing.size() && !missing[c].empty()) arrays.back() = without_values(*arrays.back(), missing[c]);
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
  result.table = empty_table(result.schema);
  for (;;) {
    const auto batch = take(reader->Next());
    if (!batch) return result;
    check_arrow(batch->ValidateFull(), "Arrow IPC");
    result.table.rows += batch->num_rows();
    for (std::size_t c = 0; c < result.schema.size(); ++c)
      append(*batch->column(static_cast<int>(c)), result.schema[c].type, result.table.columns[c]);
  }
}

}  // namespace rankflow
