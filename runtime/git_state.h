// The commit that code stood at when a run began.
#pragma once

#include <string>

#include "io/json.h"

namespace rankflow {

/// {commit: text or null before the first one, dirty: bool} of the work tree that holds `folder`, as `git
/// status` sees it (untracked files don't count); null where there is no work tree, no git, or no answer
/// within two seconds.
Json git_state(const std::string& folder);

}  // namespace rankflow
