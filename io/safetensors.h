// Named tensors in the safetensors format (https://github.com/huggingface/safetensors, README "Format"): the
// form in which weights travel to and from Python. Eight bytes of header length, a JSON header, then the raw
// bytes, without gaps. Element types: bool, u8, i32, i64, f16, bf16, f32, f64.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "io/mapped_file.h"

namespace rankflow {

/// A tensor in row-major order; `data` belongs to somebody else (the map of a file, or the caller).
struct TensorBytes {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;  // empty: one value
  const std::byte* data;

  std::uint64_t bytes() const;  // throws Error (bad_data) where the shape's product overflows
};

/// A file mapped into memory. Tensors are views of it and live as long.
class SafetensorsFile {
 public:
  /// Checks the whole header against the file's size: every tensor's type, shape and place, no gaps, no
  /// overlap, no name twice. Throws Error (bad_data) naming the tensor.
  explicit SafetensorsFile(const std::string& path);

  /// In the order in which they lie in the file.
  const std::vector<TensorBytes>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  MappedFile file_;
  std::vector<TensorBytes> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// The same tensors in any order give the same bytes, and those that Python's safetensors gives: the widest
/// types first, each in the order of names. Not synced: publishing an output does that.
void write_safetensors(const std::string& path, std::vector<TensorBytes> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace rankflow
