// What a dataset's version is made of: an artifact of the store, files outside it by reference, or a copy of these.
#pragma once

#include <string>
#include <vector>

#include "io/dataset_registry.h"
#include "io/store.h"

namespace rankflow {

/// A version without name and number, ready to be registered.
struct DatasetCandidate {
  DatasetVersion version;
  std::vector<DatasetFile> files;
};

/// Names the file or folder at `path` and its present content; used later, it must still have that. Throws Error: io where it is
/// missing, bad_data for what is no regular file or folder, or has no files.
DatasetCandidate dataset_at(const std::string& path, FileMemory& memory);
/// Copies the file or folder at `path` into the store as an artifact. Throws Error as above, and bad_data where it changed meanwhile.
DatasetCandidate dataset_copied_from(const std::string& path, Store& store, FileMemory& memory);
/// The same for what was brought from `from` to staging.data()/below already.
DatasetCandidate dataset_copied_to(Staging staging, const std::string& below, const std::string& from,
                                   Store& store, FileMemory& memory);
/// An artifact that is whole, or what lies at `below` in it; its lineage is what producer.json says. Throws Error (configuration)
/// where the store has no such artifact, (bad_data) where it is damaged.
DatasetCandidate dataset_of_artifact(const std::string& digest, const std::string& below, Store& store,
                                     FileMemory& memory);

/// Where a path leads into the artifacts of a store: "ROOT/artifacts/aa/DIGEST/data/below". The digest is empty for other paths.
struct PlaceInStore {
  std::string digest, below;
};
PlaceInStore place_in_store(const std::string& path, const StoreLayout& layout);

/// What tells that a version's data are no longer what was registered: "" where they are. Digests come from `memory`, so that
/// unchanged files are only looked at.
std::string what_changed(const DatasetVersion& version, const StoreLayout& layout, FileMemory& memory);

}  // namespace rankflow
