// The JSON type of the project (nlohmann's, whose objects are sorted by key, so that dump() is canonical) and
// its files.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace rankflow {

using Json = nlohmann::json;

/// Throws Error (bad_data) naming the file where it is no JSON.
Json read_json(const std::string& path);
/// nullopt where the file is missing, empty, cut off or no JSON: a damaged record counts as absent.
std::optional<Json> try_read_json(const std::string& path);

}  // namespace rankflow
