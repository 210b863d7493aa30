// Columns of a table as the bytes that a dataset holds of them, and as texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "io/table.h"

namespace rankflow {

/// Memory that the column keeps.
std::int64_t bytes_of(const arrow::ChunkedArray& column);
/// Calls `use` with each row of a text column; the empty text where it is missing.
void visit_texts(const arrow::ChunkedArray& column,
                 const std::function<void(std::int64_t row, std::string_view text)>& use);
/// Writes the values at `rows` (ascending), `width` bytes each: booleans as u8, integers as i64, reals as f64 (missing: NaN), texts
/// padded with NUL (missing: empty). Booleans, integers have none missing, and no text is longer than `width`.
void gather_bytes(const arrow::ChunkedArray& column, std::span<const std::int64_t> rows, std::size_t width,
                  std::byte* out);

}  // namespace rankflow
