// Writes one part of a dataset in pieces, for parts larger than memory should hold.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/partition.h"
#include "io/dataset.h"

namespace rankflow {

/// Writes part `part` below `folder` in pieces, for parts larger than memory should hold. The bytes of the file depend on
/// nothing but the values. No fsync: publishing does that.
class PartWriter {
 public:
  PartWriter(const std::string& folder, const DatasetInfo& info, std::int64_t part);
  ~PartWriter();
  /// `data` holds these rows of the part (from 0) of column number `column`, row-major.
  void write(std::size_t column, Range rows, const void* data);
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace rankflow
