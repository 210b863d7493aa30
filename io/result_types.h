// Types of result columns and their values, and which type serves values of two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace rankflow {

/// No row has a value: of `missing` nothing says what it would be, `nan` are reals, which pandas makes of missing values of any type.
enum class ResultType { boolean, byte, integer, real32, real64, text, missing, nan };
const char* name(ResultType type);
/// Throws Error (bad_data) where no type is called that.
ResultType result_type(const std::string& name);
/// Of one value; 0 for texts, which differ in length.
std::size_t bytes_of(ResultType type);

/// Row-major; of the column's type: boolean and byte, integer, real32, real64 (also missing and nan: NaN), text.
using ResultValues = std::variant<std::vector<std::uint8_t>, std::vector<std::int64_t>, std::vector<float>,
                                  std::vector<double>, std::vector<std::string>>;
ResultValues no_values(ResultType type);

bool is_real(ResultType type);
bool has_no_values(ResultType type);
/// The type of a column with values of both: of integers and reals, or reals of both sizes, real64; `missing` goes with any other, and
/// so does `nan`, for which integers become reals. nullopt: there is none.
std::optional<ResultType> common_type(ResultType a, ResultType b);
/// Values of type `from` in a type that serves them, or (booleans) as the reals 0 and 1. Integers beyond 2^53 are rounded where they
/// become reals. `missing`: 1 for a row without a value, whose real is NaN; empty: all have one. Throws Error (internal) for other types.
ResultValues values_as(ResultType to, ResultType from, ResultValues values,
                       const std::vector<std::uint8_t>& missing);

}  // namespace rankflow
