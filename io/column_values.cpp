#include "io/column_values.h"

#include <arrow/api.h>
#include <arrow/util/byte_size.h>

#include <cstring>
#include <limits>

namespace rankflow {
namespace {

/// `use(array, i)` for every row asked for; `rows` ascend, so one pass over the chunks serves them.
template <typename Array, typename Use>
void for_rows(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, Use use) {
  int chunk = 0;
  std::int64_t first = 0;  // row of the chunk's first value
  for (const std::int64_t row : rows) {
    while (row >= first + column.chunk(chunk)->length()) first += column.chunk(chunk++)->length();
    use(static_cast<const Array&>(*column.chunk(chunk)), row - first);
  }
}

template <typename Array, typename Value>
void gather_as(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, Value missing,
               std::byte* out) {
  for_rows<Array>(column, rows, [&](const Array& array, std::int64_t i) {
    const Value value = array.IsNull(i) ? missing : static_cast<Value>(array.Value(i));
    std::memcpy(out, &value, sizeof value);
    out += sizeof value;
  });
}

}  // namespace

std::int64_t bytes_of(const arrow::ChunkedArray& column) {
  return arrow::util::TotalBufferSize(column);
}

void visit_texts(const arrow::ChunkedArray& column,
                 const std::function<void(std::int64_t row, std::string_view text)>& use) {
  if (type_of(column) != ColumnType::text) throw Error(ExitStatus::internal, "a column is not of texts");
  std::int64_t row = 0;
  for (const auto& chunk : column.chunks()) {
    const auto& texts = static_cast<const arrow::StringArray&>(*chunk);
    for (std::int64_t i = 0; i < texts.length(); ++i, ++row)
      use(row, texts.IsNull(i) ? std::string_view() : texts.GetView(i));
  }
}

void gather_bytes(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, std::size_t width,
                  std::byte* out) {
  switch (type_of(column)) {
    case ColumnType::boolean:
      return gather_as<arrow::BooleanArray>(column, rows, std::uint8_t{0}, out);
    case ColumnType::integer:
      return gather_as<arrow::Int64Array>(column, rows, std::int64_t{0}, out);
    case ColumnType::real:
      return gather_as<arrow::DoubleArray>(column, rows, std::numeric_limits<double>::quiet_NaN(), out);
    case ColumnType::text:
      std::memset(out, 0, rows.size() * width);
      return for_rows<arrow::StringArray>(column, rows, [&](const arrow::StringArray& array, std::int64_t i) {
        const std::string_view text = array.IsNull(i) ? std::string_view() : array.GetView(i);
        if (text.size() > width) throw Error(ExitStatus::internal, "a text is longer than its column");
        std::memcpy(out, text.data(), text.size());
        out += width;
      });
  }
}

}  // namespace rankflow
