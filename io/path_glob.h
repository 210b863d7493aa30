// The files and folders that a glob matches, as a shell would name them: `*`, `?` and `[a-z]` within one path component, `**` as a
// whole component for any number of folders. Names that begin with a dot are matched by globs that do so only.
#pragma once

#include <set>
#include <string>
#include <vector>

namespace rankflow {

/// The leading folders of an absolute glob, up to the first component with a wildcard.
std::string fixed_folder(const std::string& glob);
/// Absolute paths, sorted by their bytes; with `**` in the glob only files, otherwise also folders. `**` follows no links to
/// folders. Throws Error: permission or io for a folder that can't be read, bad_data for a match that is a link to nothing.
std::vector<std::string> paths_matching(const std::string& glob);
/// The same of a glob below `folder`, whose own name is taken as it is; the paths begin with it. `**` follows the links `followed`.
std::vector<std::string> paths_below(const std::string& folder, const std::string& glob,
                                     const std::set<std::string>& followed = {});

}  // namespace rankflow
