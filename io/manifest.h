// The manifest of an artifact: its files with sizes and SHA-256. The SHA-256 of the manifest's own text is
// the artifact's digest, so that `sha256sum manifest.json` shows the folder's name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rankflow {

struct Manifest {
  struct File {
    std::string path;  // relative to the artifact's data folder, with '/'
    std::uint64_t bytes = 0;
    std::string sha256;
    bool executable = false;
  };
  std::vector<File> files;           // sorted by path
  std::vector<std::string> folders;  // below the data folder, sorted; empty ones count
};

/// Canonical JSON: the same artifact always has the same text.
std::string encode(const Manifest& manifest);
/// nullopt where the text is no manifest, or has a path that leads out of the artifact.
std::optional<Manifest> decode_manifest(std::string_view text);

/// Describes all that is below `folder`, and gives it the modes of published files (see store_layout.h).
/// Throws Error (bad_data) for symlinks, hard links, FIFOs, sockets, devices, and names that are not UTF-8.
Manifest describe_folder(const std::string& folder);
/// fsync of every file and folder of `manifest` below `folder`, folders after what is in them.
void sync_folder(const std::string& folder, const Manifest& manifest);

/// What stands directly in `folder`: names sorted, each followed by '\0', folders' by "/\0", other than files
/// "?\0".
std::string list_names(const std::string& folder);

/// What has to be looked at to know that an artifact is whole, in a form that is quick to go through.
struct Check {
  std::string_view sha256;  // of a file's content; of list_names() for a folder
  std::string_view
      path;  // relative to the data folder; a folder's ends with '/', "/" is the data folder itself
  bool is_folder() const { return path.back() == '/'; }
};
/// Text of the checks that `manifest` leads to, and back.
std::string encode_checks(const Manifest& manifest);
std::vector<Check> decode_checks(std::string_view text);

}  // namespace rankflow
