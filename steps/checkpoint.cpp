#include "steps/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::string_view checkpoint_prefix = "checkpoint-", part_prefix = "part-", suffix = ".h5";
constexpr std::size_t step_digits = 12;

std::string digits(std::int64_t step) {
  char text[32];
  std::snprintf(text, sizeof text, "%0*lld", static_cast<int>(step_digits),
                static_cast<long long>(step));  // sorts by step
  return text;
}

/// The step's digits in a path of ours.
std::string step_of(const std::string& path, std::string_view prefix) {
  return path.substr(path.rfind('/') + 1 + prefix.size(), step_digits);
}

void remove_file(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::remove(path, failed) && failed)
    throw system_error("cannot remove", path, failed.value());
}

}  // namespace

std::string CheckpointPart::file_name() const {
  return str(part_prefix, digits(step), "-", set, "-", rank, "-of-", ranks, suffix);
}

Checkpoints::Checkpoints(std::string folder, Json configuration, std::size_t kept)
    : folder_(std::move(folder)), configuration_(std::move(configuration)), kept_(kept) {}

/// Paths of the files with this prefix, the newest first.
std::vector<std::string> Checkpoints::files(std::string_view prefix) const {
  std::vector<std::string> paths;
  if (!exists(folder_)) return paths;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder_, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name.starts_with(prefix) && name.ends_with(suffix)) paths.push_back(entry->path());
  }
  if (failed) throw system_error("cannot list", folder_, failed.value());
  std::sort(paths.begin(), paths.end(), std::greater<>());
  return paths;
}

Json Checkpoints::attributes(const Json& progress) const {
  return {{"format", 1}, {"configuration", configuration_}, {"progress", progress}};
}

void Checkpoints::save(std::int64_t step, const std::vector<NamedTensor>& tensors, const Json& progress) {
  make_directories(folder_);
  write_tensors(str(folder_, "/", checkpoint_prefix, digits(step), suffix), tensors, attributes(progress));
  clean(step, "");
}

void Checkpoints::save_part(const CheckpointPart& part, const std::vector<NamedTensor>& tensors) {
  make_directories(folder_);
  write_tensors(str(folder_, "/", part.file_name()), tensors, {{"format", 1}, {"set", part.set}});
}

void Checkpoints::commit(std::int64_t step, const std::string& set, Json about, const Json& progress) {
  about.update(attributes(progress));
  write_tensors(str(folder_, "/", checkpoint_prefix, digits(step), suffix), {}, about);
  clean(step, set);
}

/// Removes what does not stay after the checkpoint at `step` has been written: `set`, or one file where it is empty.
void Checkpoints::clean(std::int64_t step, const std::string& set) const {
  const std::string current = digits(step);
  std::set<std::string> stay = {current};
  // Newer ones than this are damaged or of another training: this run would have gone on from them.
  for (const auto& path : files(checkpoint_prefix)) {
    const std::string other = step_of(path, checkpoint_prefix);
    if (other == current) continue;
    if (other < current && stay.size() < kept_)
      stay.insert(other);
    else
      remove_file(path);  // before its parts: what is there without them is no checkpoint
  }
  const std::string own = str(part_prefix, current, "-", set, "-");
  for (const auto& path : files(part_prefix)) {
    const std::string other = step_of(path, part_prefix);
    const bool of_current = !set.empty() && path.compare(path.rfind('/') + 1, own.size(), own) == 0;
    if (other == current ? !of_current : !stay.contains(other)) remove_file(path);
  }
}

std::optional<CheckpointFile> Checkpoints::newest(std::vector<std::string>& notes,
                                                  const std::string& before) const {
  for (const auto& path : files(checkpoint_prefix)) {
    if (!before.empty() && path >= before) continue;
    try {
      TensorFile file = read_tensor_file(path);
      if (file.attributes.at("configuration") == configuration_) return CheckpointFile{path, std::move(file)};
      notes.push_back(str("checkpoint ", path, " is of another training: not used"));
    } catch (const Error& e) {
      if (!exists(path)) continue;  // another run of the same step has gone on
      if (e.status() != ExitStatus::bad_data) throw;
      notes.push_back(str("checkpoint ", path, " is damaged: not used (", e.message(), ")"));
    } catch (const Json::exception& e) {
      notes.push_back(str("checkpoint ", path, " is damaged: not used (", e.what(), ")"));
    }
  }
  return std::nullopt;
}

TensorFile Checkpoints::read_part(const CheckpointPart& part) const {
  const std::string path = str(folder_, "/", part.file_name());
  if (!exists(path)) throw Error(ExitStatus::bad_data, str(path, " is missing"));
  TensorFile file = read_tensor_file(path);
  if (file.attributes.value("set", "") != part.set)
    throw Error(ExitStatus::bad_data, str(path, " is of another checkpoint"));
  return file;
}

}  // namespace rankflow
