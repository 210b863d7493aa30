// Files below a folder in a fixed order, and the digest of a file or a whole folder.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/file_memory.h"
#include "io/selection.h"

namespace rankflow {

struct TreeEntry {
  std::string path;  // relative, with '/', UTF-8 as stored
  std::uint64_t size;
  bool executable;
};

/// Regular files below `root`, sorted by path. A symlink that leads outside `root`, a FIFO, socket or device
/// is an Error (bad_data) that names it; the links of a selection (selection.h) lead to what belongs to it.
std::vector<TreeEntry> list_tree(const std::string& root);

/// Digest of a raw input: of a file its content, of a folder the paths and contents below it, of a selection the names and
/// contents of its members.
std::string content_digest(const std::string& path, FileMemory& memory);
std::string content_digest(const Selection& selection, FileMemory& memory);

}  // namespace rankflow
