// Datasets whose data lie in an object store or on a web server: what `rankflow dataset register` makes of a URL or of a path in a
// datastore.
#pragma once

#include <optional>
#include <string>

#include "io/dataset_source.h"
#include "io/location.h"

namespace rankflow {

/// One of the two.
struct RegisteredPlace {
  std::string path;
  std::optional<Location> remote = std::nullopt;
};
/// What is meant by `text`: a URL, a path in a datastore of the site file, or a path. Throws Error (configuration).
RegisteredPlace registered_place(const std::string& text, const std::string& sha256);

/// Names what lies at the location by reference: in an object store its listing stands for the content, unless its SHA-256 is declared.
/// Throws Error as listing does; nobody asks a web server before the data are used.
DatasetCandidate dataset_at(const Location& location);
/// Brings it into the store as an artifact.
DatasetCandidate dataset_copied_from(const Location& location, Store& store, FileMemory& memory);
/// Whether a version that is registered so still has its content.
bool is_still_there(const DatasetVersion& version);

}  // namespace rankflow
