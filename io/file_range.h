// Parts of files that several processes write at the same time, each its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "io/file.h"

namespace rankflow {

/// Makes the file `bytes` long. Throws Error (io).
void resize(const File& file, std::int64_t bytes);
/// Writes at a place, through EINTR and short writes; the file's own position stays. Throws Error (io).
void write_at(const File& file, std::int64_t offset, std::string_view data);
/// Copies bytes from file to file, within the kernel where it can (copy_file_range). Throws Error (io; bad_data where
/// `from` is shorter).
void copy_range(const File& from, std::int64_t from_offset, const File& to, std::int64_t to_offset,
                std::int64_t bytes);

}  // namespace rankflow
