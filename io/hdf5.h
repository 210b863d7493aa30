// The structure of our HDF5 files: which arrays they hold and where their bytes lie. HDF5 writes and reads
// the structure only; the bytes go through plain writes, reads and memory maps, whose errors name the path
// and the cause. Kept to the .cpp files of io/. Debian's HDF5 is not thread-safe: calls wait for each other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "collectives/communicator.h"

namespace rankflow::hdf5 {

/// A contiguous array in the root group.
struct Array {
  std::string name;  // without '/'
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;  // empty: one value
  std::uint64_t offset = 0;         // of its first byte in the file; 0 where it has no elements
  std::int64_t text_length = 0;     // above 0: elements are UTF-8 texts of so many bytes, padded with NUL

  std::uint64_t bytes() const;  // throws Error (bad_data) where the shape's product overflows
};

struct Structure {
  std::vector<Array> arrays;  // in the order in which they were created, or of names where the file has none
  std::map<std::string, std::string> attributes;  // of the root group; texts
};

/// Creates `path` with room for `arrays`, whose data are not written yet, and returns them with their
/// offsets. Each array starts at a multiple of `alignment`. The same arguments give the same bytes: no times
/// are kept, the format is that of HDF5 1.8 whatever the library's version. Throws Error (io) with HDF5's own
/// messages.
std::vector<Array> create(const std::string& path, std::vector<Array> arrays,
                          const std::map<std::string, std::string>& attributes, std::uint64_t alignment);

/// Adds a text to the root group of a file made by `create`. The same bytes for the same file and arguments. Throws like
/// it.
void add_attribute(const std::string& path, const std::string& name, const std::string& text);

/// Reads the structure of a file made by `create` (or by others in the same manner). Throws Error (bad_data)
/// before any data are read or memory for them is allocated where the file is cut off, or an array is a link
/// elsewhere, external, virtual, chunked, filtered, of another type than those of DType and texts as `create` makes them,
/// or reaches past the file's end.
Structure read_structure(const std::string& path);

}  // namespace rankflow::hdf5
