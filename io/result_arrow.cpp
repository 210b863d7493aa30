#include "io/result_arrow.h"

#include <cmath>

#include "io/arrow_result.h"

namespace rankflow {
namespace {

void check(const arrow::Status& status) {
  check_arrow(status, "cannot put results into Arrow's form");
}

template <typename T>
T take(arrow::Result<T> result) {
  return value_of(std::move(result), "cannot put results into Arrow's form");
}

/// What `append` does with every row's element that is not `missing`.
template <typename Builder, typename Values, typename Convert>
std::shared_ptr<arrow::Array> built(Builder&& builder, const Values& values, std::size_t first,
                                    std::size_t width, const std::vector<std::uint8_t>& missing,
                                    const Convert& append) {
  check(builder.Reserve(std::ssize(values) / static_cast<std::int64_t>(width)));
  for (std::size_t i = first; i < values.size(); i += width) {
    const bool none = !missing.empty() && missing[i / width] != 0;
    check(none ? builder.AppendNull() : append(builder, values[i]));
  }
  return take(builder.Finish());
}

std::shared_ptr<arrow::Array> categories_array(const ResultColumn& column,
                                               const std::vector<std::int64_t>& codes, std::size_t first,
                                               const std::vector<std::uint8_t>& missing) {
  arrow::StringBuilder names;
  check(names.AppendValues(column.categories));
  const auto indices = built(
      arrow::Int32Builder(), codes, first, column.width(), missing, [](auto& builder, std::int64_t code) {
        return code < 0 ? builder.AppendNull() : builder.Append(static_cast<std::int32_t>(code));
      });
  return take(arrow::DictionaryArray::FromArrays(arrow_type(column), indices, take(names.Finish())));
}

}  // namespace

std::shared_ptr<arrow::DataType> arrow_type(const ResultColumn& column) {
  switch (column.type) {
    case ResultType::boolean:
      return arrow::boolean();
    case ResultType::byte:
      return arrow::uint8();
    case ResultType::integer:
      if (!column.categories.empty()) return arrow::dictionary(arrow::int32(), arrow::utf8());
      return arrow::int64();
    case ResultType::real32:
      return arrow::float32();
    case ResultType::real64:
    case ResultType::missing:
    case ResultType::nan:
      return arrow::float64();
    case ResultType::text:
      break;
  }
  return arrow::utf8();
}

std::shared_ptr<arrow::Array> arrow_array(const ResultColumn& column, const ResultValues& values,
                                          std::size_t label, const std::vector<std::uint8_t>& missing) {
  const std::size_t width = column.width();
  const auto plain = [](auto& builder, const auto& value) { return builder.Append(value); };
  const auto real = [](auto& builder, auto value) {
    return std::isnan(value) ? builder.AppendNull() : builder.Append(value);
  };
  if (const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&values)) {
    if (column.type == ResultType::boolean)
      return built(arrow::BooleanBuilder(), *bytes, label, width, missing,
                   [](auto& builder, std::uint8_t value) { return builder.Append(value != 0); });
    return built(arrow::UInt8Builder(), *bytes, label, width, missing, plain);
  }
  if (const auto* integers = std::get_if<std::vector<std::int64_t>>(&values)) {
    if (!column.categories.empty()) return categories_array(column, *integers, label, missing);
    return built(arrow::Int64Builder(), *integers, label, width, missing, plain);
  }
  if (const auto* reals = std::get_if<std::vector<float>>(&values))
    return built(arrow::FloatBuilder(), *reals, label, width, missing, real);
  if (const auto* reals = std::get_if<std::vector<double>>(&values))
    return built(arrow::DoubleBuilder(), *reals, label, width, missing, real);
  return built(arrow::StringBuilder(), std::get<std::vector<std::string>>(values), label, width, missing,
               plain);
}

}  // namespace rankflow
