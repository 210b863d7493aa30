// The rows of one piece of a table on their way through a preparation.
#pragma once

#include <cstdint>
#include <vector>

#include "io/table.h"

namespace rankflow {

struct TablePart {
  std::int64_t piece = 0;
  std::int64_t unit = 0;       // that the piece is in
  std::int64_t first_row = 0;  // number of the piece's first row in the whole table
  Table table;
  std::vector<std::uint8_t> split;  // of each row that is left; empty: not decided yet

  /// Number of a row in the whole table.
  std::int64_t source_row(std::int64_t row) const { return first_row + table.original(row); }
  void keep_rows(const std::vector<char>& keep) {
    table.keep_rows(keep);
    std::size_t to = 0;
    for (std::size_t row = 0; row < split.size(); ++row) {
      if (keep[row]) split[to++] = split[row];
    }
    split.resize(to);
  }
  std::vector<std::int64_t> rows_in(std::uint8_t wanted) const {
    std::vector<std::int64_t> rows;
    for (std::size_t row = 0; row < split.size(); ++row) {
      if (split[row] == wanted) rows.push_back(static_cast<std::int64_t>(row));
    }
    return rows;
  }
};

}  // namespace rankflow
