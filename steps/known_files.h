// What all ways of taking rows over from an earlier run have in common (takeover.h: tables, image_takeover.h: folders of images): what
// a file is recognised by, and what is said of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/step.h"

namespace rankflow {

/// SHA-256 of each file's content; ranks divide the files, and what this user has read before is only looked at
/// (io/file_memory.h). Collective. Throws Error (io, bad_data) as FileMemory::digest does.
std::vector<std::string> digests_of(Communicator& comm, const std::vector<std::string>& paths);

/// Tells people, logs and the step's record how many of the files were taken over, and why not more: `why`, or "". Nothing where there
/// is no earlier run. By the first rank.
void say_taken_over(StepContext& context, std::int64_t taken, std::int64_t all, const std::string& why);

}  // namespace rankflow
