// A prepared dataset: a folder of part-00000.h5, part-00001.h5, … of a fixed number of rows each, and
// dataset.json with schema, statistics and vocabularies. Parts are contiguous and mapped into memory; a batch
// is a view of the page cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/partition.h"
#include "collectives/communicator.h"
#include "io/json.h"

namespace rankflow {

/// A column holds, for each row, an array of `shape` (empty: one value). Conventional names:
/// `features` f32 [F], `categories` i64 [C], `images` u8 [channels, height, width],
/// `target` i64 (class) or f32 (regression), `row` i64 (number of the source row, from 0).
struct ColumnInfo {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::int64_t elements() const;  // per row
  std::size_t row_bytes() const { return static_cast<std::size_t>(elements()) * size_of(dtype); }
};

struct DatasetInfo {
  std::int64_t rows = 0;
  std::int64_t rows_per_part = 65536;
  std::vector<ColumnInfo> columns;
  /// Free for the step that made it. Written by prepare, read by train, evaluate and score:
  ///   task: "classification" | "regression"
  ///   classes: [names], classification only, index = class number
  ///   features: [{name, mean, scale}]        what was subtracted and divided by
  ///   categories: [{name, vocabulary: [..]}] code = index + 1; 0 = unknown or missing
  ///   target: name of the target column
  Json schema = Json::object();

  std::int64_t parts() const { return ceil_div(rows, rows_per_part); }
  Range part_rows(std::int64_t part) const;
  std::size_t row_bytes() const;  // of all columns together
  const ColumnInfo* find(const std::string& column) const;
  const ColumnInfo& at(const std::string& column) const;  // throws Error (bad_data) naming what there is
};

/// Writes part `part` below `folder`: `data[c]` holds the part's rows of column c, row-major. The bytes of
/// the file depend on nothing but the arguments. No fsync: publishing does that.
void write_part(const std::string& folder, const DatasetInfo& info, std::int64_t part,
                const std::vector<const void*>& data);
/// Writes dataset.json; by one rank.
void write_dataset_info(const std::string& folder, const DatasetInfo& info);
DatasetInfo read_dataset_info(const std::string& folder);

/// Read access to a whole dataset through memory maps.
class Dataset {
 public:
  /// Opens every part and checks types, shapes and sizes before mapping. Throws Error (bad_data).
  explicit Dataset(const std::string& folder);
  ~Dataset();
  Dataset(Dataset&&) noexcept;

  /// The given rows, in their order, as a dataset of their own that shares this one's maps: what reads it can't tell it from
  /// one that was prepared with these rows alone. Throws Error (internal) for a row that there isn't.
  Dataset select(std::vector<std::int64_t> rows) const;

  const DatasetInfo& info() const { return info_; }
  std::int64_t rows() const { return info_.rows; }
  /// Calls `use` with the first byte of each of the given rows of a column, in their order; a row's bytes lie
  /// one after the other. Thread-safe.
  void for_each_row(const std::string& column, std::span<const std::int64_t> rows,
                    const std::function<void(const std::byte* row)>& use) const;
  void for_each_row(const std::string& column, Range range,
                    const std::function<void(const std::byte* row)>& use) const;
  /// Copies the given rows of a column to `out`, one after the other.
  void gather(const std::string& column, std::span<const std::int64_t> rows, void* out) const;
  /// Copies rows [range.begin, range.end).
  void copy(const std::string& column, Range range, void* out) const;
  /// Has the kernel read these rows of all columns ahead; returns without waiting for them. Nothing for selected rows, which
  /// lie apart. Thread-safe.
  void will_need(Range range) const;

 private:
  struct Maps;
  Dataset(DatasetInfo info, std::shared_ptr<const Maps> maps, std::vector<std::int64_t> chosen);
  /// Of column number `column`; throws Error (internal) for a row that there isn't.
  const std::byte* row_of(std::size_t column, std::size_t row_bytes, std::int64_t row) const;

  DatasetInfo info_;
  std::shared_ptr<const Maps> maps_;
  bool selected_ = false;
  std::vector<std::int64_t> chosen_;  // of a selection: where its rows lie
};

}  // namespace rankflow
