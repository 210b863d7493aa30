// The header of NumPy's .npy files (numpy.lib.format, versions 1.0 to 3.0): what the bytes after it are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

/// A number within an item: the item itself, or a named field of a structured type.
struct NpyField {
  std::string name;  // "" where the type is not structured
  char kind = 'f';   // 'b' boolean, 'i' and 'u' integers, 'f' floating point
  int bytes = 8;
  bool big_endian = false;
  std::int64_t offset = 0;  // in the item
};

struct NpyHeader {
  std::vector<NpyField> fields;
  bool structured = false;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
  std::int64_t item_bytes = 0;
  std::int64_t data_offset = 0;  // of the first item in the file

  /// Throws Error (bad_data) where it is impossible.
  std::int64_t data_bytes() const;
};

/// Where a header ends that begins with these bytes (at least 12 of them, or all of the file). Throws Error (bad_data) for what is
/// no .npy file.
std::int64_t npy_data_offset(std::string_view start);
/// Parses the bytes up to npy_data_offset(). Throws Error (bad_data) without the file's name: cut off, a header that is none, and
/// types that are no numbers (objects are pickled Python, which is not run here).
NpyHeader parse_npy_header(std::string_view header);

}  // namespace rankflow
