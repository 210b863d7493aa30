// The files of an input: found below a path, unpacked where they are compressed or not UTF-8, and their bytes at any place.
#pragma once

#include <arrow/io/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/file.h"

namespace rankflow {

struct InputFile {
  std::string name;        // as the user knows it, for messages and suffixes
  std::string path;        // where its plain bytes are
  std::uint64_t size = 0;  // of these
  FileStamp stamp;         // of the file `name`, when it was found
};

/// The files that `path` stands for: itself, or, where it is a folder, those below it that match one of `globs` (relative to
/// it; path_glob.h), in the order of their names; no globs: those directly in it whose suffix is that of a format of tables. Of
/// a selection (selection.h) all members, in its order.
/// Throws Error (io: nothing there; bad_data: no file matches).
std::vector<InputFile> find_input_files(const std::string& path, const std::vector<std::string>& globs);

bool is_utf8_encoding(const std::string& encoding);
/// Whether the file must be unpacked before it can be cut: compressed (gzip by its first bytes, zstd by its suffix), or text in
/// another encoding than UTF-8.
bool needs_unpacking(const InputFile& file, const std::string& encoding);
/// Writes the plain UTF-8 bytes to `to`, one run through the file in bounded memory, and returns the file with path and size
/// of that. Throws Error (bad_data) where it is cut off, damaged or not in that encoding.
InputFile unpack(const InputFile& file, const std::string& encoding, const std::string& to);

/// Throws Error (io).
std::shared_ptr<arrow::io::RandomAccessFile> open_bytes(const InputFile& file);
/// Throws Error (bad_data) where the file is no longer the one that was found.
void check_unchanged(const InputFile& file);

}  // namespace rankflow
