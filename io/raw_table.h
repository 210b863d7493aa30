// A table in files of any format, for code of the user's own: any stretch of its rows.
#pragma once

#include <memory>
#include <string>

#include "base/partition.h"
#include "collectives/communicator.h"
#include "io/result_table.h"
#include "io/table_file.h"

namespace rankflow {

class RawTable {
 public:
  /// Collective: ranks share the first run through the files, which finds types and counts rows. After it each rank reads what
  /// it is asked for; pieces stay in memory as far as `budget` bytes reach. `scratch`: a folder for unpacked files that all
  /// ranks see. Throws Error (bad_data, io).
  RawTable(Communicator& comm, const std::string& path, const TableOptions& options,
           const std::string& scratch, std::int64_t budget);
  ~RawTable();

  std::int64_t rows() const;
  /// Collective. That no file changed since it was found.
  void check_unchanged(Communicator& comm) const;
  /// The same of the files that hold these rows, by this rank alone. Throws Error (bad_data).
  void check_unchanged(Range rows) const;
  const std::vector<std::string>& names() const;
  /// The column for results: numbers, booleans and texts. Throws Error (configuration) for one that there isn't.
  ResultColumn column(const std::string& name) const;
  /// Its values: NaN, 0 or an empty text where there is none. `missing` is 1 for each row without a value, and empty where all have one.
  ResultValues values(const std::string& name, Range rows, std::vector<std::uint8_t>& missing) const;
  /// All columns of these rows as an Arrow IPC stream, whose fields are nullable where any row of the table lacks a value.
  std::string to_ipc(Range rows) const;

 private:
  class Pieces;
  std::string path_;
  std::unique_ptr<Pieces> pieces_;
};

}  // namespace rankflow
