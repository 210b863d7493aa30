// A table of any size in files of any format, shared out over ranks: every rank reads consecutive pieces, and all know columns,
// types and row numbers of the whole. Pieces do not depend on the number of ranks.
//
// The first run through the pieces (settle) finds types and counts rows; decoded pieces stay in memory as far as the budget
// reaches, so that a table that fits is parsed once. What does not fit is read again whenever it is asked for.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/partition.h"
#include "collectives/communicator.h"
#include "io/json.h"
#include "io/table_file.h"

namespace rankflow {

struct FoundColumns;

/// Tells which files are known from an earlier run: for each of them what TableInput::knowledge() said of it, or null. The same
/// answer on all ranks; may be collective.
using Recognise = std::function<std::vector<Json>(const std::vector<InputFile>&)>;

/// Ranks take whole units of consecutive pieces; there are at most this many, so that what is gathered of each unit stays
/// small for any table.
constexpr std::int64_t most_units = 4096;

class TableInput {
 public:
  /// Collective. Finds the files, unpacks those that need it into `scratch` (a folder that all ranks see, made when it is
  /// needed), cuts them into pieces. Throws Error (io, bad_data), also where the files' columns differ. Files that are known
  /// have no pieces: their rows count, and are not read.
  TableInput(Communicator& comm, const std::string& path, const TableOptions& options,
             const std::string& scratch, const Recognise& recognise = {});

  /// Names that the files are known to have before rows were read; empty where only rows tell (JSON lines).
  const std::vector<std::string>& known_names() const { return known_names_; }
  /// Collective. Reads this rank's pieces for the first time: only `columns` (none: all). `budget`: bytes of decoded columns
  /// to keep.
  void settle(Communicator& comm, const std::vector<std::string>& columns, std::int64_t budget);
  /// Collective. That no file changed since it was found.
  void check_unchanged(Communicator& comm) const;

  std::int64_t pieces() const { return static_cast<std::int64_t>(pieces_.size()); }
  std::int64_t units() const { return ceil_div(pieces(), unit_); }
  std::int64_t unit_of(std::int64_t piece) const { return piece / unit_; }
  Range mine() const { return mine_; }
  const std::vector<InputFile>& files() const { return files_; }
  bool is_known(std::size_t file) const { return !known_[file].is_null(); }
  std::size_t file_of(std::int64_t piece) const {
    return static_cast<std::size_t>(pieces_[static_cast<std::size_t>(piece)].file);
  }

  // After settle:
  std::int64_t rows() const { return rows_; }
  /// A sentence for each column that a table can't hold, unless only some columns were asked for.
  std::vector<std::string> left_out() const;
  /// The rows of a file, by their numbers in the whole table; the rows of a piece.
  Range rows_of_file(std::size_t file) const { return {file_rows_[file], file_rows_[file + 1]}; }
  std::int64_t rows_of_piece(std::int64_t piece) const {
    return piece_rows_[static_cast<std::size_t>(piece)];
  }
  /// What must be known of a file so that a later run need not read it: {rows, facts, found}, the last two texts that are the same
  /// for files with the same columns.
  Json knowledge(std::size_t file) const;
  /// All columns with their types, in their order.
  Json columns() const;
  /// Whether any row lacks a value in the column; true as well where the rows of known files might.
  bool may_be_missing(const std::string& name) const;
  /// Number of the piece's first row in the whole table.
  std::int64_t first_row(std::int64_t piece) const { return first_rows_[static_cast<std::size_t>(piece)]; }
  /// All columns, with the types that serve all pieces. Columns that a piece lacks are missing in it.
  Table read(std::int64_t piece);
  /// The columns of read(), without a row.
  Table without_rows() const;
  /// All rows, for a table that is known to be small; on the one rank that has all pieces.
  Table whole();
  /// The piece will not be asked for again: frees what is kept of it.
  void forget(std::int64_t piece) { kept_.erase(piece); }

 private:
  struct Piece {
    std::int32_t file = 0;
    TablePiece part;
  };

  void find_files(Communicator& comm, const std::string& path);
  /// Throws Error (configuration) for the key `encoding` where the file has none.
  void check_encoding(const std::string& file) const;
  void unpack_files(Communicator& comm, const std::string& scratch);
  void cut_files(Communicator& comm);
  void learn_columns(Communicator& comm, const std::vector<std::string>& lines);
  void keep_types(Communicator& comm, const std::map<std::int32_t, FoundColumns>& mine);
  void count_values(Communicator& comm, const std::map<std::string, std::int64_t>& mine);
  /// Throws Error (bad_data) where a column that a table can't hold has other values, too.
  void leave_out(const FoundColumns& found);
  void count_rows(Communicator& comm, const std::vector<std::int64_t>& mine);
  TableFile& file(std::int32_t index);
  Table read_file(std::int64_t piece, const ReadRequest& request);
  Table conform(std::int64_t piece, Table table);

  TableOptions options_;
  std::vector<InputFile> files_;
  std::vector<Json> known_;  // of each file; null: it is read
  // Of each file, as text: FileFacts, and the names and types that its rows showed, in the order in which they did.
  std::vector<std::string> facts_, found_;
  std::vector<std::string> known_names_;
  std::vector<Piece> pieces_;
  std::int64_t unit_ = 1;
  Range mine_;
  std::vector<std::string> columns_;  // asked for; none: all
  std::vector<std::string> names_;
  std::map<std::string, std::string> left_out_;  // what a table can't hold, and words that say so
  std::map<std::string, ColumnType> types_;
  std::map<std::string, std::int64_t> values_;  // of each column, how many there are in rows that were read
  std::vector<std::int64_t> first_rows_, first_in_file_, piece_rows_;
  std::vector<std::int64_t> file_rows_{0};  // the first row of each file; the number of all rows last
  std::int64_t rows_ = 0;
  std::map<std::int64_t, Table> kept_;
  std::int32_t open_index_ = -1;
  std::unique_ptr<TableFile> open_;
};

}  // namespace rankflow
