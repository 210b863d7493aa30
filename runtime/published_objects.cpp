#include "runtime/published_objects.h"

#include <algorithm>

namespace rankflow {

PublishedIndex index_of(const Manifest& manifest) {
  PublishedIndex index;
  for (const Manifest::File& file : manifest.files) index.files[file.path] = {file.bytes, file.sha256};
  return index;
}

std::string encode(const PublishedIndex& index) {
  Json files = Json::object();
  for (const auto& [path, file] : index.files) files[path] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
  Json json = {{"artifact", index.artifact}, {"output", index.output}, {"files", files}};
  if (!index.run.empty()) json["run"] = index.run;
  return json.dump(1) + "\n";
}

std::optional<PublishedIndex> decode_index(const std::string& text) {
  try {
    const Json json = Json::parse(text);
    PublishedIndex index{json.at("artifact"), json.at("output"), json.value("run", ""), {}};
    for (const auto& [path, file] : json.at("files").items())
      index.files[path] = {file.at("bytes"), file.at("sha256")};
    return index;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

bool PublishedObjects::is_ours(const std::string& path) const {
  const auto lists = [&](const std::optional<PublishedIndex>& index) {
    return index && index->files.contains(path);
  };
  return lists(published) || lists(publishing);
}

bool PublishedObjects::holds(const PublishedIndex& wanted) const {
  if (!published || published->artifact != wanted.artifact) return false;
  return std::all_of(wanted.files.begin(), wanted.files.end(), [&](const auto& entry) {
    const auto found = there.find(entry.first);
    return found != there.end() && static_cast<std::uint64_t>(found->second) == entry.second.bytes;
  });
}

std::optional<std::string> PublishedObjects::foreign(const PublishedIndex& wanted) const {
  const bool published_here = published || publishing;
  for (const auto& [path, size] : there) {
    if (!published_here) return path;
    if (wanted.files.contains(path) && !is_ours(path)) return path;
  }
  return std::nullopt;
}

std::vector<std::string> PublishedObjects::outdated(const PublishedIndex& wanted) const {
  std::vector<std::string> paths;
  for (const auto& [path, size] : there) {
    if (is_ours(path) && !wanted.files.contains(path)) paths.push_back(path);
  }
  return paths;
}

bool PublishedObjects::may_be(const std::string& path, const PublishedIndex::File& file) const {
  const auto found = there.find(path);
  return found != there.end() && static_cast<std::uint64_t>(found->second) == file.bytes && is_ours(path);
}

PublishedIndex PublishedObjects::with_ours(PublishedIndex wanted) const {
  for (const auto* index : {&published, &publishing}) {
    if (*index) wanted.files.insert((*index)->files.begin(), (*index)->files.end());
  }
  return wanted;
}

}  // namespace rankflow
