// The profile of a registered dataset: made by the step type `profile` through a pipeline of one step that the store keeps, and so
// reused like any step's output, by everyone who shares the store, for as long as the content is the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/dataset_registry.h"
#include "launchers/options.h"

namespace rankflow {

/// The newest profile of a version where there is one that still fits its content, as the step wrote it (profile.json); nothing runs.
std::optional<Json> known_profile(const StoreLayout& layout, const DatasetVersion& version);

/// The same, made where it is missing, on `ranks` ranks; `options` are KEY=VALUE of the step, remembered beside
/// those of before once they worked. What the run shows goes to standard
/// error. Throws Error where the run fails.
Json make_profile(const StoreLayout& layout, const DatasetVersion& version,
                  const std::vector<std::string>& options, int ranks);

}  // namespace rankflow
