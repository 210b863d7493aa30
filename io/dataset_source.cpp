#include "io/dataset_source.h"

#include <fcntl.h>

#include <array>
#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/tree.h"

namespace rankflow {
namespace {

bool is_folder(const std::string& path) {
  std::error_code problem;
  return std::filesystem::is_directory(path, problem);
}

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// The files at `path`, which is a file or a folder.
std::vector<DatasetFile> list_files(const std::string& path, FileMemory& memory) {
  std::vector<DatasetFile> files;
  if (!is_folder(path)) {
    FileStamp stamp;
    if (!stamp_of(path, stamp)) throw Error(ExitStatus::io, str("there is no file or folder ", path));
    files.push_back({last_part(path), stamp.size, memory.digest(path), ""});
  } else {
    for (const auto& entry : list_tree(path)) {
      files.push_back({entry.path, entry.size, memory.digest(str(path, "/", entry.path)), ""});
    }
  }
  for (const auto& file : files) {
    if (!is_utf8(file.path)) {
      throw Error(ExitStatus::bad_data,
                  str("a file in ", path, " has a name that is not UTF-8: ", in_quotes(file.path)),
                  "another name");
    }
  }
  if (files.empty())
    throw Error(ExitStatus::bad_data, str("the folder ", path, " has no files"), "another path");
  return files;
}

/// Rows of a prepared dataset, -1 for anything else: its readers say more of one whose dataset.json is wrong.
std::int64_t prepared_rows(const std::string& path) {
  const auto info = try_read_json(path + "/dataset.json");
  if (!info || !info->is_object()) return -1;
  const auto rows = info->find("rows");
  return rows != info->end() && rows->is_number_integer() ? rows->get<std::int64_t>() : -1;
}

DatasetCandidate describe_dataset(const std::string& path, FileMemory& memory) {
  DatasetCandidate out;
  out.files = list_files(path, memory);
  out.version.content = content_digest(path, memory);
  out.version.files = out.files.size();
  for (const auto& file : out.files) out.version.bytes += file.bytes;
  if (is_folder(path)) out.version.rows = prepared_rows(path);
  return out;
}

void copy_file(const std::string& from, const std::string& to, bool executable) {
  File source(from, O_RDONLY);
  File target(to, O_WRONLY | O_CREAT | O_EXCL, executable ? 0775 : 0664);
  std::array<char, 1 << 16> buffer;
  while (const std::size_t got = source.read_some(buffer.data(), buffer.size())) {
    target.write_all(std::string_view(buffer.data(), got));
  }
  target.close();
}

void copy_tree(const std::string& from, const std::string& to) {
  for (const auto& entry : list_tree(from)) {
    const std::string target = str(to, "/", entry.path);
    make_directories(parent_of(target));
    copy_file(str(from, "/", entry.path), target, entry.executable);
  }
}

}  // namespace

DatasetCandidate dataset_at(const std::string& path, FileMemory& memory) {
  DatasetCandidate out = describe_dataset(path, memory);
  out.version.path = path;
  return out;
}

DatasetCandidate dataset_copied_from(const std::string& path, Store& store, FileMemory& memory) {
  const DatasetCandidate original = describe_dataset(path, memory);
  const auto selection = selection_at(path);
  const std::string below = is_folder(path) && !selection ? "" : last_part(path);
  Staging staging = store.stage();
  if (is_folder(path)) {
    const std::string to = below.empty() ? staging.data() : str(staging.data(), "/", below);
    copy_tree(path, to);
    if (selection) describe_copy(*selection, to);
  } else {
    copy_file(path, str(staging.data(), "/", below), false);
  }
  const std::string copied =
      content_digest(below.empty() ? staging.data() : str(staging.data(), "/", below), memory);
  if (copied != original.version.content) {
    throw Error(ExitStatus::bad_data, str(path, " changed while it was copied into the store"),
                "the same command, once nobody writes there");
  }
  return dataset_copied_to(std::move(staging), below, path, store, memory);
}

DatasetCandidate dataset_copied_to(Staging staging, const std::string& below, const std::string& from,
                                   Store& store, FileMemory& memory) {
  const std::string digest = store.publish(std::move(staging), {{"copied_from", from}});
  return dataset_of_artifact(digest, below, store, memory);
}

DatasetCandidate dataset_of_artifact(const std::string& digest, const std::string& below, Store& store,
                                     FileMemory& memory) {
  const StoreLayout& layout = store.layout();
  if (!exists(layout.artifact(digest))) {
    throw Error(ExitStatus::configuration, str("no artifact ", digest, " in the store ", layout.root),
                "rankflow show RUN lists the outputs of a run");
  }
  if (const auto wrong = store.check_artifact(digest, Verify::content); !wrong.empty()) {
    throw Error(ExitStatus::bad_data, str("the artifact is damaged: ", wrong),
                "rankflow run with the pipeline that makes it");
  }
  const std::string path = str(layout.artifact_data(digest), below.empty() ? "" : "/", below);
  DatasetCandidate out = describe_dataset(path, memory);
  out.version.artifact = digest;
  out.version.below = below;
  if (auto producer = try_read_json(layout.producer(digest)); producer && producer->is_object()) {
    out.version.lineage = std::move(*producer);
  }
  return out;
}

PlaceInStore place_in_store(const std::string& path, const StoreLayout& layout) {
  const std::string above = layout.artifacts() + "/";
  if (!path.starts_with(above)) return {};
  const auto parts = split(path.substr(above.size()), '/');
  if (parts.size() < 2 || !is_digest(parts[1]) || parts[0] != parts[1].substr(0, 2)) return {};
  if (parts.size() > 2 && parts[2] != "data") return {};
  const std::vector<std::string> below(parts.begin() + std::min<std::ptrdiff_t>(3, std::ssize(parts)),
                                       parts.end());
  return {parts[1], join(below, "/")};
}

std::string what_changed(const DatasetVersion& version, const StoreLayout& layout, FileMemory& memory) {
  const std::string place = version.place(layout);
  if (!exists(place)) return str(place, " is no longer there");
  return content_digest(place, memory) == version.content
             ? ""
             : str(place, " has other content than when it was registered");
}

}  // namespace rankflow
