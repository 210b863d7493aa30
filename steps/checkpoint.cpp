#include "steps/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view suffix = ".h5";

std::string file_name(std::int64_t step) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%012lld", static_cast<long long>(step));  // sorts by step
  return str(prefix, digits, suffix);
}

}  // namespace

Checkpoints::Checkpoints(std::string folder, Json configuration, std::size_t kept)
    : folder_(std::move(folder)), configuration_(std::move(configuration)), kept_(kept) {}

std::vector<std::string> Checkpoints::newest_first() const {
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

void Checkpoints::save(std::int64_t step, const std::vector<NamedTensor>& tensors, const Json& progress) {
  make_directories(folder_);
  const std::string path = folder_ + "/" + file_name(step);
  write_tensors(path, tensors, {{"format", 1}, {"configuration", configuration_}, {"progress", progress}});
  // Newer ones than this are damaged or of another training: this run would have gone on from them.
  std::size_t older = 0;
  for (const auto& other : newest_first()) {
    if (other == path || (other < path && ++older < kept_)) continue;
    std::error_code failed;
    if (!std::filesystem::remove(other, failed) && failed)
      throw system_error("cannot remove", other, failed.value());
  }
}

std::optional<Json> Checkpoints::restore(const std::vector<NamedTensor>& tensors,
                                         std::vector<std::string>& notes) const {
  for (const auto& path : newest_first()) {
    try {
      const TensorFile file = read_tensor_file(path);
      if (file.attributes.at("configuration") != configuration_) {
        notes.push_back(str("checkpoint ", path, " is of another training: not used"));
        continue;
      }
      copy_tensors(file, tensors, path);
      return file.attributes.at("progress");
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

}  // namespace rankflow
