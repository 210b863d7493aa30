// Writes the rows of one dataset as they come, each rank its own consecutive ones: a part is written by the rank that has its
// first row, which is given the rest by the ranks that follow through files in a scratch folder.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "steps/dataset_writer.h"

namespace rankflow {

class SplitWriter {
 public:
  /// `rows[r]`: how many rows rank r brings. `scratch` begins the paths of files that ranks hand to each other.
  SplitWriter(std::string folder, DatasetInfo info, const std::vector<std::int64_t>& rows, int rank,
              std::string scratch);

  /// The next rows of this rank, by their indices for `columns`.
  void append(const std::vector<OutputColumn>& columns, std::span<const std::int64_t> rows);
  /// After this rank's last row: leaves what other ranks need.
  void hand_over();
  /// After hand_over on every rank: completes the last part that began here.
  void complete();

  const DatasetInfo& info() const { return info_; }
  const std::string& folder() const { return folder_; }

 private:
  bool begun_elsewhere() const;
  void begin_part();
  void write();
  /// Rows at the beginning of rank r's that belong to a part that an earlier rank began.
  std::int64_t lead_of(int rank) const;

  std::string folder_, scratch_;
  DatasetInfo info_;
  std::vector<std::int64_t> begins_;  // first row of each rank; the number of all rows last
  int rank_;
  std::int64_t next_;                            // row that comes next
  std::int64_t part_ = -1;                       // that it belongs to; -1: none is begun
  std::int64_t buffer_begin_ = 0;                // row of the buffers' first
  std::vector<std::vector<std::byte>> buffers_;  // of each column
};

}  // namespace rankflow
