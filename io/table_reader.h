// Reads CSV files, plain or gzip-compressed, into a Table (Arrow's reader, which uses all cores it is given).
#pragma once

#include <string>
#include <vector>

#include "io/table.h"

namespace rankflow {

struct CsvOptions {
  bool header = true;                // the first row of each file has the names
  std::vector<std::string> columns;  // names where there is no header; none: c0, c1, …
  char delimiter = ',';
  std::vector<std::string> missing;  // unquoted cells with these texts are missing
  bool threads = true;
};

/// Reads `path`: a file, or a folder whose *.csv and *.csv.gz are joined in the order of their names. Every
/// file must have the same columns. Types are found by looking: all integers, all numbers, all booleans,
/// otherwise text. Throws Error (bad_data) naming the file and, where there is one, the row: nothing there,
/// cut off, another number of columns, a name twice, not UTF-8, or a file that changed while it was read.
Table read_csv(const std::string& path, const CsvOptions& options);

}  // namespace rankflow
