// The files that a command's `code:` and `hash:` entries name.
#pragma once

#include <string>
#include <vector>

namespace rankflow {

/// Files that `pattern` names, a path or a glob (path_pattern.h), absolute or relative to `folder`: sorted,
/// without doubles, each as `pattern` reaches it ("../lib/a.py"). The path of a folder stands for all files
/// below it; a glob names files only. Links are followed.
///
/// `skip_ignored` leaves out what the ignore files exclude: in every folder from the root of the git work
/// tree (outside one: from where the pattern starts) downwards, .rankflowignore or, where there is none,
/// .gitignore. A file or folder that the pattern names without wildcards is never left out itself. Folders
/// called .git, .rankflow and __pycache__ are never entered: running the code changes them.
///
/// Empty where nothing is named. Throws Error: bad_data for a pipe, socket or device, io or permission where
/// a folder can't be read.
std::vector<std::string> code_files(const std::string& pattern, const std::string& folder, bool skip_ignored);

}  // namespace rankflow
