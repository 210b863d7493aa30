// One file of a table, whatever its format, cut into pieces that ranks read independently of each other. Where the cuts lie
// depends on the file alone, never on the number of ranks: what is computed piece by piece, and joined in their order, has the
// same bytes on any number of ranks.
//
// To add a format NAME: a line in table_formats.inc, and io/NAME_table.cpp with a TableFile and
//
//   std::unique_ptr<TableFile> open_NAME(const InputFile& file, const TableOptions& options);
//
// Nothing else names formats: `format: NAME`, suffixes, the search in folders and the documents come from the line. A format
// reads its file's bytes through open_bytes() (input_file.h), so that it knows neither compression nor where the file lies, and
// turns what Arrow gives into the four types of a Table with kept_column() (arrow_columns.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/input_file.h"
#include "io/table.h"

namespace rankflow {

/// Keys of a step about how a table is written. A format uses those that concern it.
struct TableOptions {
  std::string format;                // "": by suffix
  bool header = true;                // csv: the first row of each file has the names
  std::vector<std::string> columns;  // csv: names where there is no header; none: c0, c1, …
  std::string delimiter;             // csv: one character; "": a comma, in *.tsv a tab
  std::vector<std::string> missing;  // csv: unquoted cells with these texts are missing, as are empty ones
  std::string encoding = "utf-8";    // csv, jsonl: as iconv(3) calls it
  std::vector<std::string>
      files;  // globs below the path where that is a folder; none: all files with a known suffix
  std::vector<std::string> datasets;  // hdf5: these are the columns; none: all in the root group
  std::string beside;  // npy: a file with as many rows, whose columns stand after the others; "": none
  std::map<std::string, ColumnType> types;  // declared by the user: not looked for
  // Types of other rows of this table, read earlier: they hold like declared ones, but integers may have become reals. Columns may be
  // missing.
  std::map<std::string, ColumnType> earlier_types;
  std::int64_t piece_bytes = 1 << 20;  // of text; at least, where the input is huge: see TableInput
};

/// A run of consecutive rows of one file. What `begin` and `end` count is the format's own matter: bytes, row groups, batches.
struct TablePiece {
  std::int64_t begin = 0, end = 0;
  std::int64_t rows = -1;  // -1: known once it was read
};

struct TableColumn {
  std::string name;
  std::optional<ColumnType> type;  // nullopt: the file does not say, pieces tell what they find
};

struct ReadRequest {
  std::vector<std::string> columns;  // only these; none: all
  std::map<std::string, ColumnType>
      types;  // of these columns the type is decided; a cell that does not fit is an error
  std::int64_t first_row =
      -1;  // number in the file of the piece's first row, for messages; -1: not known yet
};

class TableFile {
 public:
  virtual ~TableFile() = default;

  /// In their order. Throws Error (bad_data): no name, a name twice, not the format.
  virtual const std::vector<TableColumn>& columns() const = 0;
  /// Columns of values that a table can't hold (lists, structures, durations), and what the file calls their type. They are not
  /// read, or an error where they are asked for by name. Where rows may have other columns: those met in the pieces read so far.
  virtual std::map<std::string, std::string> left_out() const { return {}; }
  /// False where rows may have other columns than columns() says (JSON lines): what a piece lacks is missing there.
  virtual bool same_columns() const { return true; }

  /// Whether a column of empty texts says nothing of its type, as one without values: it is missing where others are numbers.
  virtual bool blanks_fit_any_type() const { return false; }

  // Cutting goes in two steps, so that the ranks share a large file's first: scan every block, in any order and anywhere; then
  // cut with the scans of all blocks.
  virtual std::int64_t blocks() const { return 1; }
  virtual std::string scan(std::int64_t /*block*/) const { return {}; }
  /// Throws Error (bad_data) where the file as a whole is wrong.
  virtual std::vector<TablePiece> cut(std::span<const std::string> scans) const = 0;

  /// Thread-compatible. Columns in the order of the file. A column without a decided type has the one that its cells suggest
  /// (all integers, all numbers, all booleans, otherwise text); real where there is no value at all. Throws Error (bad_data)
  /// naming file and row.
  virtual Table read(const TablePiece& piece, const ReadRequest& request) const = 0;
};

/// Opens a file in the format that `options` or its suffix say. Throws Error (bad_data): no such format, no content; (io).
std::unique_ptr<TableFile> open_table_file(const InputFile& file, const TableOptions& options);

}  // namespace rankflow
