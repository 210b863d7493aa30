// Why a step runs again: what changed between the ingredients of its fingerprint then and now, in words.
#pragma once

#include <string>
#include <vector>

#include "io/json.h"

namespace rankflow {

/// What changed between the ingredients of two runs of a step, one line each: "parameter epochs: 3 → 5",
/// "input data (${{inputs.flights}}): content changed (12ab… → 34cd…)", "code train.py: changed",
/// "step type version: 1 → 2". Labels are those of `Fingerprint`; either may be empty. Empty where nothing
/// changed.
std::vector<std::string> explain_change(const Json& before, const Json& before_labels, const Json& now,
                                        const Json& now_labels);

}  // namespace rankflow
