#include "io/result_types.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::array<const char*, 8> type_names = {"boolean", "byte", "integer", "real32",
                                                   "real64",  "text", "missing", "nan"};

}  // namespace

const char* name(ResultType type) {
  return type_names[static_cast<std::size_t>(type)];
}

ResultType result_type(const std::string& name) {
  const auto type = std::find(type_names.begin(), type_names.end(), name);
  if (type == type_names.end())
    throw Error(ExitStatus::bad_data, str("results have no type ", in_quotes(name)));
  return static_cast<ResultType>(type - type_names.begin());
}

std::size_t bytes_of(ResultType type) {
  return std::visit(
      [](const auto& values) -> std::size_t {
        using T = typename std::decay_t<decltype(values)>::value_type;
        return std::is_same_v<T, std::string> ? 0 : sizeof(T);
      },
      no_values(type));
}

ResultValues no_values(ResultType type) {
  switch (type) {
    case ResultType::boolean:
    case ResultType::byte:
      return std::vector<std::uint8_t>();
    case ResultType::integer:
      return std::vector<std::int64_t>();
    case ResultType::real32:
      return std::vector<float>();
    case ResultType::real64:
    case ResultType::missing:
    case ResultType::nan:
      return std::vector<double>();
    case ResultType::text:
      break;
  }
  return std::vector<std::string>();
}

bool is_real(ResultType type) {
  return type == ResultType::real32 || type == ResultType::real64;
}

bool has_no_values(ResultType type) {
  return type == ResultType::missing || type == ResultType::nan;
}

std::optional<ResultType> common_type(ResultType a, ResultType b) {
  if (a == b || b == ResultType::missing) return a;
  if (a == ResultType::missing) return b;
  if (a == ResultType::nan && b != ResultType::integer) return b;
  if (b == ResultType::nan && a != ResultType::integer) return a;
  const auto number = [](ResultType type) {
    return type == ResultType::integer || type == ResultType::nan || is_real(type);
  };
  return number(a) && number(b) ? std::optional(ResultType::real64) : std::nullopt;
}

ResultValues values_as(ResultType to, ResultType from, ResultValues values,
                       const std::vector<std::uint8_t>& missing) {
  if (to == from) return values;
  if (!has_no_values(from) && to != ResultType::real64)
    throw Error(ExitStatus::internal, str("values of type ", name(from), " as ", name(to)));
  ResultValues converted = no_values(to);
  std::visit(
      [&](auto& result, const auto& given) {
        using To = typename std::decay_t<decltype(result)>::value_type;
        using From = typename std::decay_t<decltype(given)>::value_type;
        result.resize(given.size());
        if constexpr (std::is_floating_point_v<To> && std::is_arithmetic_v<From>) {
          for (std::size_t i = 0; i < given.size(); ++i)
            result[i] = !missing.empty() && missing[i] != 0 ? std::numeric_limits<To>::quiet_NaN()
                                                            : static_cast<To>(given[i]);
        }
      },
      converted, values);
  return converted;
}

}  // namespace rankflow
