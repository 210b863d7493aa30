// Formats that results are written in, and how chunks of rows from many shards become one file in order, by all ranks at
// once. A new one is result_NAME.cpp and a line in result_formats.inc.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/result_shard.h"
#include "io/result_table.h"

namespace rankflow {

/// A file to put together: its rows are those of `chunks`, in this order.
struct ResultFile {
  std::string path;
  std::vector<const ResultChunk*> chunks;
  std::int64_t rows() const;
};

class ResultFormat {
 public:
  /// The section of a chunk that holds `encoded` tables, for formats that are made of these.
  static constexpr const char* columns = "columns";

  virtual ~ResultFormat() = default;
  /// The section of chunks that the files are made of.
  virtual std::string section() const { return columns; }
  /// What stands for the table's rows in that section.
  virtual void append(const ResultSchema& schema, const ResultTable& table, std::string& bytes) const;
  /// Puts the files together; the bytes depend on the rows, `schema` and `about` (texts for whoever reads the files) alone,
  /// not on ranks and chunks. Memory: a chunk, or a group of rows. Collective. Throws Error (io, bad_data).
  virtual void assemble(const std::vector<ResultFile>& files, const ResultSchema& schema, const Json& about,
                        Communicator& comm) const = 0;
};

/// `name`: of result_formats.inc.
std::unique_ptr<ResultFormat> make_result_format(const std::string& name);
/// "csv" for csv, "h5" for hdf5.
std::string file_ending(const std::string& format);

/// For formats whose chunks' bytes follow each other: every rank copies its share to the places where they belong.
/// Collective.
void join_pieces(const std::vector<ResultFile>& files, const std::string& section, const std::string& head,
                 Communicator& comm);
/// Calls `use(file, chunk, rows before it in the file)` for this rank's share of all chunks.
void for_own_chunks(
    const std::vector<ResultFile>& files, const Communicator& comm,
    const std::function<void(std::size_t file, const ResultChunk& chunk, std::int64_t row)>& use);

}  // namespace rankflow
