// The files and folders that a glob matches, as a shell would name them: `*`, `?` and `[a-z]` within one path component, `**` as a
// whole component for any number of folders. Names that begin with a dot are matched by globs that do so only.
#pragma once

#include <string>
#include <vector>

namespace rankflow {

/// The leading folders of an absolute glob, up to the first component with a wildcard.
std::string fixed_folder(const std::string& glob);
/// Absolute paths, sorted by their bytes; with `**` in the glob only files, otherwise also folders. `**` follows no links to
/// folders. Throws Error: permission or io for a folder that can't be read, bad_data for a match that is a link to nothing.
std::vector<std::string> paths_matching(const std::string& glob);

}  // namespace rankflow
