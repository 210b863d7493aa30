// Prepared rows of an earlier run's datasets, picked by the rows of the table that they were made from.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "io/dataset.h"
#include "steps/dataset_writer.h"
#include "steps/table_split.h"

namespace rankflow {

class EarlierRows {
 public:
  /// The datasets of the splits, in the order of their numbers. Throws Error (bad_data) where one can't be read.
  explicit EarlierRows(const std::vector<std::string>& folders);
  /// The columns read the datasets where they lie.
  EarlierRows(const EarlierRows&) = delete;
  EarlierRows& operator=(const EarlierRows&) = delete;

  /// Of the first of them; all have the same columns and the same schema.
  const DatasetInfo& info() const { return datasets_.front().info(); }
  /// How many of the rows that the earlier table had as `numbers` belong to each split, now that the first of these has the number
  /// `first`. Rows that were left out count for none.
  std::vector<std::int64_t> counts(Range numbers, std::int64_t first, const TableSplit& split) const;
  /// The same rows themselves, of each split in their order, as what columns() takes.
  std::vector<std::vector<std::int64_t>> rows(Range numbers, std::int64_t first,
                                              const TableSplit& split) const;
  /// Where each row of an earlier table of `count` rows lies, as what columns() takes; -1 for those that were left out. Throws Error
  /// (bad_data) for a number that it does not have.
  std::vector<std::int64_t> places(std::int64_t count) const;
  /// Of each carried column of texts, the bytes of the longest that rows made of `numbers` have.
  std::map<std::string, std::int64_t> text_lengths(Range numbers) const;
  /// The columns of the datasets for others with the columns of `info`, which may have other lengths of texts; `shift` is added to
  /// `row`. Valid as long as this object.
  std::vector<OutputColumn> columns(std::int64_t shift, const DatasetInfo& info) const;

 private:
  /// Copies consecutive rows of a dataset.
  void copy(const ColumnInfo& column, std::size_t dataset, Range rows, std::byte* out) const;
  /// Where rows that were made of `numbers` lie in a dataset.
  Range range_in(std::size_t dataset, Range numbers) const;
  std::vector<std::int64_t> numbers_of(std::size_t dataset, Range rows) const;

  std::vector<Dataset> datasets_;
};

}  // namespace rankflow
