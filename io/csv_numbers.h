// Cells of CSV, and numbers of JSON lines, that Arrow's readers take for others than they are: +5 for a real, 0x10 for sixteen, and
// integers that don't fit 64 bits for reals, so that different ids become one.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <string_view>

#include "io/table_file.h"

namespace rankflow {

/// What in the bytes of a piece makes its numbers doubtful; most pieces have neither.
struct NumberDoubts {
  bool plus = false;         // +5, but not 1e+5
  bool hexadecimal = false;  // 0x10
};
NumberDoubts doubts_about(std::string_view bytes);

/// Whether a column in which Arrow found numbers has to be read again as text, to be judged by its cells.
bool is_doubtful(const arrow::ChunkedArray& found, const NumberDoubts& doubts);

/// What a column of cells is that Arrow took for numbers: integer where all are whole numbers of 64 bits, text where one has an x or
/// all are whole numbers and one does not fit, otherwise real.
ColumnType type_of_cells(const arrow::ChunkedArray& cells);

/// The texts without blanks around them and without the plus before a number, which no conversion knows.
Column without_plus(const arrow::ChunkedArray& texts);

}  // namespace rankflow
