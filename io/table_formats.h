// The formats of tables as data: names, suffixes, words for the documents. What opens them is in table_file.h.
#pragma once

#include <string>
#include <vector>

namespace rankflow {

struct TableFormat {
  std::string name;
  bool text = false;                  // in an encoding
  std::vector<std::string> suffixes;  // with the dot
  std::string help;
};

const std::vector<TableFormat>& table_formats();

/// `path` without a suffix of compression (.gz, .zst), which goes to `compression` as "gzip", "zstd" or "".
std::string without_compression(const std::string& path, std::string* compression = nullptr);
/// The format that a path's suffix chooses, that of a compression left out; null: none.
const TableFormat* format_of_path(const std::string& path);
/// The format of a table's file: `name` (the key `format`), or where that is "" the one its suffix chooses; any other text may be CSV.
/// Throws Error (internal): no such name.
const TableFormat& format_of_table(const std::string& path, const std::string& name);

}  // namespace rankflow
