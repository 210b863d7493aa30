// IDX, the format of MNIST and its kin (http://yann.lecun.com/exdb/mnist/), plain or gzip-compressed: a magic
// number, big-endian dimensions, values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rankflow {

/// An array of unsigned bytes, row-major; `shape[0]` counts the rows.
struct IdxArray {
  std::vector<std::int64_t> shape;
  std::vector<std::uint8_t> values;
};

/// Throws Error (io) for a file that can't be opened, (bad_data) naming it for another magic number, another
/// type than unsigned bytes, fewer or more values than its header says, a gzip stream that is cut off or
/// wrong, or a file that changed while it was read. Memory is taken as values arrive, so that a false header
/// can't ask for more than the file holds.
IdxArray read_idx(const std::string& path);

}  // namespace rankflow
