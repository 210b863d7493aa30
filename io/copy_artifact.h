// Copying an artifact's files out of the store, each checked against the manifest while it is copied.
#pragma once

#include <cstdint>
#include <string>

#include "io/manifest.h"
#include "io/store_layout.h"

namespace rankflow {

/// The manifest that `digest` belongs to. Throws Error (bad_data) where it is damaged, (io) where it is missing.
Manifest manifest_of(const StoreLayout& layout, const std::string& digest);

/// Copies all files and folders of an artifact into `folder`, which is made where it is missing; nothing that is there is overwritten.
/// `durable`: brought to disk. Returns the bytes. Throws Error: bad_data where a file is not what the manifest says, io, permission.
std::uint64_t copy_artifact(const StoreLayout& layout, const std::string& digest, const std::string& folder,
                            bool durable);

}  // namespace rankflow
