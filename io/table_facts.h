// What ranks tell each other about the columns of a table's files: before their rows are read, and after.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/table_file.h"

namespace rankflow {

/// What a file says before its rows are read, as ranks tell each other.
struct FileFacts {
  std::int64_t blocks = 0;
  bool same_columns = true;
  std::vector<TableColumn> columns;

  Json packed() const;
  static FileFacts unpacked(const Json& json);
};

/// Throws Error (bad_data) where the files differ in names, or in types that are not `declared`.
void check_same_columns(const FileFacts& first, const FileFacts& other, const std::string& first_name,
                        const std::string& name, const std::map<std::string, ColumnType>& declared);

/// Names and types in the order in which pieces of rows showed them.
struct FoundColumns {
  std::vector<std::string> names;
  std::map<std::string, std::optional<ColumnType>> types;
  std::map<std::string, std::string> left_out;  // name → type that a table can't hold

  void add(const std::string& name, const std::optional<ColumnType>& type);
  void add(const Json& others);
  Json packed() const;
};

/// Of rows that are to be taken like earlier ones: the type that these had, though the values look like another's, so that 1 is true
/// where there were booleans, and 7 the text 7 where there were texts. Only what was an integer may be a real.
ColumnType type_like_earlier(ColumnType earlier, const std::optional<ColumnType>& found);

/// Whether values that were read as `found` are `type` only where their cells say so. A number or a boolean no longer tells the text
/// that it was, and a text may be no number; but integers are reals, and booleans the numbers 0 and 1.
bool must_be_read_again(ColumnType found, ColumnType type);

}  // namespace rankflow
