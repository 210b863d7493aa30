// How registered datasets are shown on a terminal, and as JSON where the command line asks for that.
#pragma once

#include <string>

#include "io/dataset_registry.h"
#include "launchers/options.h"

namespace rankflow {

/// A line per dataset: its newest version.
std::string datasets_text(const DatasetRegistry& registry, const StoreLayout& layout,
                          const CommandLine& line);
/// A line per version of one dataset, newest first.
std::string dataset_versions_text(const DatasetRegistry& registry, const StoreLayout& layout,
                                  const std::string& name, const CommandLine& line);
/// All of one version.
std::string dataset_text(const DatasetRegistry& registry, const DatasetVersion& version,
                         const StoreLayout& layout, const CommandLine& line);

/// What differs between two versions.
std::string dataset_diff_text(const DatasetRegistry& registry, const DatasetVersion& before,
                              const DatasetVersion& now, const StoreLayout& layout, const CommandLine& line);

/// Columns as {name, dtype, shape} that the data declare, or a profile found; none where neither is there.
Json known_columns(const DatasetVersion& version, const StoreLayout& layout);

}  // namespace rankflow
