// Named tensors and attributes in one HDF5 file: checkpoints and model weights. h5py opens it: each tensor is
// a dataset under its PyTorch name ('.' stays '.'), the attributes one JSON text in the root's attribute
// "rankflow".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/json.h"

namespace rankflow {

struct TensorView {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
  const void* data;  // contiguous, row-major
};

struct StoredTensor {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;
};

struct TensorFile {
  Json attributes;
  std::vector<StoredTensor> tensors;
  const StoredTensor* find(const std::string& name) const;
};

/// Temporary beside it, checksum of all data in the attributes, fsync, rename. Same content, same bytes.
void write_tensor_file(const std::string& path, const std::vector<TensorView>& tensors,
                       const Json& attributes);
/// Throws Error (bad_data) where the file is cut off, has other types than it should or fails its checksum.
TensorFile read_tensor_file(const std::string& path);
/// The arrays in the root of any HDF5 file, such as h5py writes (contiguous, without filters). A checksum of
/// ours is checked where the file has one.
TensorFile read_arrays(const std::string& path);

}  // namespace rankflow
