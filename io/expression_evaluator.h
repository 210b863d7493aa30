// Computes expressions (expression.h) on whole columns with Arrow's functions.
#pragma once

#include <string>

#include "io/expression.h"
#include "io/table.h"

namespace rankflow {

/// One value per row of the table; missing where a value that it needs is missing. Throws Error
/// (configuration) with the place in the source for an unknown column (did you mean …?) or types that don't
/// fit, (bad_data) where a column that is used as a number holds other text, or integers overflow or are
/// divided by zero.
Column evaluate(const Expression& expression, const std::string& source, const Table& table);

}  // namespace rankflow
