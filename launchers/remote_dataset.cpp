#include "launchers/remote_dataset.h"

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/remote_questions.h"
#include "runtime/site.h"

namespace rankflow {
namespace {

Location location_at(const std::string& url, const std::string& sha256) {
  Location location{.url = url, .sha256 = sha256};
  if (is_object_store(location) || !sha256.empty()) {
    check_location(location);
    return location;
  }
  throw Error(ExitStatus::configuration,
              str(in_quotes(url), " needs its checksum: a server may give other bytes tomorrow"),
              "--sha256 DIGEST, which sha256sum prints");
}

/// The files as a version names them, and what stands for their content.
RemoteListing listed(const Location& location) {
  if (!is_object_store(location)) return {location.sha256, {{name_of(location), 0, location.sha256, ""}}};
  RemoteListing listing = files_at(location);
  auto& files = listing.files;
  const bool is_file = files.size() == 1 && files[0].path.empty();
  if (is_file) files[0] = {name_of(location), files[0].bytes, location.sha256, files[0].version};
  if (location.sha256.empty()) return listing;
  if (is_file) return {location.sha256, files};
  throw Error(ExitStatus::bad_data, str(location.url, " is a folder; a checksum is of one file"),
              "leave out --sha256");
}

}  // namespace

RegisteredPlace registered_place(const std::string& text, const std::string& sha256) {
  if (is_url(text)) return {"", location_at(text, sha256)};
  const std::string path = absolute_path(text);
  if (!looks_like_datastore_path(text) || exists(path)) return {path};
  const Site site = load_site();
  const auto [name, below] = split_datastore_path(text);
  const Datastore* datastore = site.find(name);
  if (!datastore) return {path};
  return datastore->is_folder() ? RegisteredPlace{path_in(*datastore, below)}
                                : RegisteredPlace{"", location_in(*datastore, below)};
}

DatasetCandidate dataset_at(const Location& location) {
  DatasetCandidate out;
  out.version.remote = location;
  RemoteListing listing = listed(location);
  out.files = std::move(listing.files);
  out.version.content = listing.digest;
  out.version.files = out.files.size();
  for (const DatasetFile& file : out.files) out.version.bytes += file.bytes;
  return out;
}

DatasetCandidate dataset_copied_from(const Location& location, Store& store, FileMemory& memory) {
  Staging staging = store.stage();
  const std::string name = name_of(location);
  copy_remote_to(location, str(staging.data(), "/", name));
  return dataset_copied_to(std::move(staging), name, shown(location), store, memory);
}

bool is_still_there(const DatasetVersion& version) {
  const std::string declared = declared_digest(*version.remote);
  if (!declared.empty()) return declared == version.content;
  try {
    return list_remote(*version.remote) == version.content;
  } catch (const Error&) {
    return false;  // then what is registered now is a new version
  }
}

}  // namespace rankflow
