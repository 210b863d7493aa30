// CSV as steps write it (RFC 4180, but lines end in a bare newline): quoted where needed, numbers in the
// shortest form that reads back the same.
#pragma once

#include <charconv>
#include <string>
#include <string_view>

namespace rankflow {

/// Appends `text`, in quotes where it holds a comma, quote or line break.
void append_csv(std::string& line, std::string_view text);

/// Appends a number; the same text on every machine (std::to_chars).
template <typename Number>
void append_number(std::string& line, Number value) {
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value);
  line.append(digits, end.ptr);
}

}  // namespace rankflow
