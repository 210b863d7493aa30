// JSON lines whose values are written as another type than the one that is declared: {"zip": 1234} where zip is a text,
// {"n": "5"} where n is an integer. Arrow's reader refuses them.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "io/table.h"

namespace rankflow {

/// The lines with the values of these members of each line's object written as the type asks for, where that is possible without a
/// guess: numbers and truth values as texts, letter by letter; texts that are numbers, or true and false, as these; 0 and 1 as
/// truth values. Everything else, also what is no JSON, stays as it is, and so do the lines' number and order.
std::string retyped_lines(std::string_view lines, const std::map<std::string, ColumnType>& types);

}  // namespace rankflow
