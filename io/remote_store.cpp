#include "io/remote_store.h"

#include "base/sha256.h"

namespace rankflow {

Json to_json(const RemoteFile& file) {
  Json json = {{"path", file.path}, {"size", file.size}, {"version", file.version}};
  if (file.executable) json["executable"] = true;
  return json;
}

RemoteFile remote_file_from_json(const Json& json) {
  return {json.at("path"), json.at("size"), json.at("version"), json.value("executable", false)};
}

std::string listing_digest(const std::vector<RemoteFile>& files) {
  Json all = Json::array();
  for (const RemoteFile& file : files) all.push_back(to_json(file));
  return sha256("rankflow listing 1\n" + all.dump());
}

std::map<std::string, std::int64_t> RemoteStore::sizes_of(const std::vector<std::string>& paths) {
  const auto all = sizes();
  std::map<std::string, std::int64_t> found;
  for (const std::string& path : paths) {
    if (const auto there = all.find(path); there != all.end()) found.insert(*there);
  }
  return found;
}

std::unique_ptr<RemoteStore> open_remote_store(const Location& location) {
  check_location(location);
  if (!location.query.empty()) return open_database(location);
  return is_object_store(location) ? open_object_store(location) : open_web_server(location);
}

}  // namespace rankflow
