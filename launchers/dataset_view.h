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
std::string dataset_versions_text(const DatasetRegistry& registry, const std::string& name,
                                  const CommandLine& line);
/// All of one version.
std::string dataset_text(const DatasetRegistry& registry, const DatasetVersion& version,
                         const StoreLayout& layout, const CommandLine& line);

}  // namespace rankflow
