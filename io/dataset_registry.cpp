#include "io/dataset_registry.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"
#include "io/store.h"

namespace rankflow {
namespace {

constexpr const char* kFormat = "rankflow dataset 1";
constexpr std::size_t kLongestTag = 10'000;

/// Names in a folder; none where there is no folder.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code problem;
  std::filesystem::directory_iterator at(folder, problem), end;
  for (; !problem && at != end; at.increment(problem)) names.push_back(at->path().filename().string());
  if (problem && problem != std::errc::no_such_file_or_directory) {
    throw system_error("cannot list", folder, problem.value());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Json record_of(const DatasetVersion& version, const std::string& token) {
  Json record = {{"format", kFormat},
                 {"dataset", version.dataset},
                 {"version", version.version},
                 {"content", version.content},
                 {"artifact", version.artifact},
                 {"below", version.below},
                 {"path", version.path},
                 {"bytes", version.bytes},
                 {"files", version.files},
                 {"rows", version.rows},
                 {"lineage", version.lineage},
                 {"registered", version.registered},
                 {"user", version.user},
                 {"token", token}};
  if (version.remote) record["location"] = to_json(*version.remote);
  return record;
}

/// Throws Json::exception where it is no such record.
DatasetVersion from_record(const Json& json) {
  DatasetVersion version;
  version.dataset = json.at("dataset");
  version.version = json.at("version");
  version.content = json.at("content");
  version.artifact = json.at("artifact");
  version.below = json.at("below");
  version.path = json.at("path");
  version.bytes = json.at("bytes");
  version.files = json.at("files");
  version.rows = json.at("rows");
  version.lineage = json.at("lineage");
  version.registered = json.at("registered");
  version.user = json.at("user");
  if (const auto location = json.find("location"); location != json.end())
    version.remote = location_from_json(*location);
  return version;
}

bool is_sound(const Json& json, const std::string& dataset, int number) {
  if (!json.is_object() || json.value("format", Json()) != kFormat) return false;
  try {
    const DatasetVersion version = from_record(json);
    return version.dataset == dataset && version.version == number && is_digest(version.content) &&
           (version.remote ||
            (version.artifact.empty() ? version.path.starts_with('/') : is_digest(version.artifact)));
  } catch (const Json::exception&) {
    return false;
  }
}

/// Without dots: what is being written has a name with some, and is no tag yet.
bool is_tag_name(const std::string& name) {
  return is_plain_name(name) && name.find('.') == std::string::npos;
}

void check_notes(const std::string& description, const std::map<std::string, std::string>& tags) {
  const auto refuse = [](const std::string& what) {
    throw Error(ExitStatus::configuration, what, "--tag owner=ann");
  };
  for (const auto& [key, value] : tags) {
    if (!is_tag_name(key)) {
      refuse(str("no tag can be called ", in_quotes(key), ": a name has letters, digits, \"_\" and \"-\""));
    }
    if (!is_utf8(value) || value.size() > kLongestTag) {
      refuse(str("the value of tag ", key, " is not UTF-8, or longer than ", kLongestTag, " bytes"));
    }
  }
  if (!is_utf8(description) || description.size() > kLongestTag) {
    refuse(str("the description is not UTF-8, or longer than ", kLongestTag, " bytes"));
  }
}

void write_notes(const DatasetVersionLayout& layout, const std::string& description,
                 const std::map<std::string, std::string>& tags) {
  if (!description.empty()) write_file_atomically(layout.description(), description + "\n");
  if (!tags.empty()) make_directories(layout.tags());
  for (const auto& [key, value] : tags) write_file_atomically(layout.tag(key), value + "\n");
}

std::string without_last_newline(std::string text) {
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

/// "; there is flights", "; there are 12, among them …".
std::string known_datasets(const std::string& wanted, const std::vector<std::string>& names) {
  if (auto near = did_you_mean(wanted, names); !near.empty()) return near;
  if (names.empty()) return "; there are none yet";
  constexpr std::size_t shown = 10;
  const std::vector<std::string> first(
      names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size())));
  return str("; there ", names.size() == 1 ? "is " : "are ", join(first, ", "),
             names.size() > shown ? str(" and ", names.size() - shown, " more") : "");
}

}  // namespace

std::string DatasetVersion::place(const StoreLayout& layout) const {
  if (remote) return shown(*remote);
  if (!in_store()) return path;
  return below.empty() ? layout.artifact_data(artifact) : str(layout.artifact_data(artifact), "/", below);
}

Json to_json(const DatasetFile& file) {
  Json json = {{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}};
  if (!file.version.empty()) json["version"] = file.version;
  return json;
}

Json to_json(const DatasetVersion& version) {
  Json json = record_of(version, "");
  json.erase("format");
  json.erase("token");
  if (version.rows < 0) json["rows"] = nullptr;
  json["description"] = version.description;
  json["tags"] = version.tags;
  return json;
}

DatasetVersionLayout DatasetRegistry::layout_of(const std::string& dataset, int version) const {
  return {str(layout_.dataset(dataset), "/", version)};
}

std::vector<std::string> DatasetRegistry::names() const {
  auto names = names_in(layout_.datasets());
  std::erase_if(names,
                [&](const std::string& name) { return !is_plain_name(name) || versions(name).empty(); });
  return names;
}

std::vector<int> DatasetRegistry::versions(const std::string& dataset) const {
  std::vector<int> numbers;
  if (!is_plain_name(dataset)) return numbers;
  for (const auto& name : names_in(layout_.dataset(dataset))) {
    const std::string text = str(dataset, ":", name);
    if (looks_like_dataset_reference(text)) numbers.push_back(parse_dataset_reference(text).version);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

DatasetVersion DatasetRegistry::read(const std::string& dataset, int number) const {
  const DatasetVersionLayout layout = layout_of(dataset, number);
  const auto record = try_read_json(layout.record());
  if (!record || !is_sound(*record, dataset, number)) {
    throw Error(ExitStatus::bad_data,
                str("the record of dataset ", dataset, ":", number, ", ", layout.record(), ", is damaged"),
                "register the data again: that makes a new version");
  }
  DatasetVersion version = from_record(*record);
  if (exists(layout.description()))
    version.description = without_last_newline(read_file(layout.description()));
  for (const auto& key : names_in(layout.tags())) {
    if (is_tag_name(key)) version.tags[key] = without_last_newline(read_file(layout.tag(key)));
  }
  return version;
}

DatasetVersion DatasetRegistry::get(const DatasetReference& reference) const {
  const auto there = versions(reference.dataset);
  if (there.empty()) {
    throw Error(ExitStatus::configuration,
                str("no dataset ", in_quotes(reference.dataset), " in the store ", layout_.root,
                    known_datasets(reference.dataset, names())),
                str("rankflow dataset register ", reference.dataset, " PATH"));
  }
  if (reference.version == 0) return read(reference.dataset, there.back());
  if (!std::binary_search(there.begin(), there.end(), reference.version)) {
    throw Error(ExitStatus::configuration,
                str("dataset ", reference.dataset, " has no version ", reference.version, "; it has ",
                    there.size() == 1 ? str(there.front()) : str(there.front(), " to ", there.back())),
                str(reference.dataset, "@latest"));
  }
  return read(reference.dataset, reference.version);
}

std::vector<DatasetFile> DatasetRegistry::files(const DatasetVersion& version) const {
  const std::string path = layout_of(version.dataset, version.version).files();
  std::vector<DatasetFile> files;
  try {
    for (const Json& file : read_json(path))
      files.push_back({file.at("path"), file.at("bytes"), file.at("sha256"), file.value("version", "")});
  } catch (const Json::exception&) {
    throw Error(ExitStatus::bad_data, str(path, " is damaged"));
  }
  return files;
}

DatasetRegistry::Added DatasetRegistry::add(DatasetVersion version, const std::vector<DatasetFile>& files,
                                            const std::function<bool(const DatasetVersion&)>& holds) const {
  check_dataset_name(version.dataset);
  check_notes(version.description, version.tags);
  make_directories(layout_.temporary());
  make_directories(layout_.dataset(version.dataset));
  Staging staging(str(layout_.temporary(), "/", unique_suffix()));
  make_directories(staging.path());
  const DatasetVersionLayout staged{staging.path()};
  Json list = Json::array();
  for (const auto& file : files) list.push_back(to_json(file));
  write_file_atomically(staged.files(), list.dump(0) + "\n");
  write_notes(staged, version.description, version.tags);
  const std::string token = unique_suffix();
  for (;;) {
    const auto there = versions(version.dataset);
    if (!there.empty()) {
      const int newest = there.back();
      const auto record = try_read_json(layout_of(version.dataset, newest).record());
      if (record && is_sound(*record, version.dataset, newest)) {
        const DatasetVersion known = read(version.dataset, newest);
        if (known.content == version.content && holds(known)) {
          annotate(known, version.description, version.tags);
          return {read(version.dataset, newest), false};
        }
      }
    }
    version.version = there.empty() ? 1 : there.back() + 1;
    write_file_atomically(staged.record(), record_of(version, token).dump(1) + "\n");
    const DatasetVersionLayout target = layout_of(version.dataset, version.version);
    if (std::rename(staging.path().c_str(), target.root.c_str()) == 0) break;
    const int why = errno;
    // NFS can lose the answer to a rename that was done: then the version that is there is ours.
    const auto taken = try_read_json(target.record());
    if (taken && taken->is_object() && taken->value("token", "") == token) break;
    if (why != ENOTEMPTY && why != EEXIST)
      throw system_error(str("cannot move ", staging.path(), " to"), target.root, why);
  }
  staging.release();
  sync_directory(layout_.dataset(version.dataset));
  return {std::move(version), true};
}

void DatasetRegistry::annotate(const DatasetVersion& version, const std::string& description,
                               const std::map<std::string, std::string>& tags) const {
  check_notes(description, tags);
  write_notes(layout_of(version.dataset, version.version), description, tags);
}

}  // namespace rankflow
