// Prepared rows of an earlier run's datasets, picked by the rows of the table that they were made from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "steps/dataset_writer.h"
#include "steps/table_split.h"

namespace rankflow {

/// Some of them, in the order of their numbers in the table.
class TakenRows {
 public:
  std::int64_t count() const { return static_cast<std::int64_t>(split_.size()); }
  /// Rows of a split as indices into these columns.
  std::vector<std::int64_t> rows_in(std::uint8_t split) const;
  const std::vector<std::uint8_t>& splits() const { return split_; }
  /// The columns of the dataset, for these rows; valid as long as this object.
  std::vector<OutputColumn> columns() const;

 private:
  friend class EarlierRows;
  std::vector<ColumnInfo> infos_;
  std::vector<std::vector<std::byte>> values_;  // of each column
  std::vector<std::uint8_t> split_;             // of each row
};

class EarlierRows {
 public:
  /// The datasets of the splits, in the order of their numbers. Throws Error (bad_data) where one can't be read.
  explicit EarlierRows(const std::vector<std::string>& folders);

  /// Of the first of them; all have the same columns and the same schema.
  const DatasetInfo& info() const { return datasets_.front().info(); }
  /// What was made of rows `numbers` of the earlier table; the first of them now has the number `first`. `split` says which
  /// split they belong to now.
  TakenRows read(Range numbers, std::int64_t first, const TableSplit& split) const;
  /// Only which splits these rows belong to.
  std::vector<std::uint8_t> splits(Range numbers, std::int64_t first, const TableSplit& split) const;

 private:
  /// Where a row that was kept lies.
  struct Place {
    std::int64_t number = 0;  // in the earlier table
    std::uint8_t dataset = 0;
    std::int64_t row = 0;
  };
  std::vector<Place> places(Range numbers) const;

  std::vector<Dataset> datasets_;
};

}  // namespace rankflow
