#include "steps/finished_models.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <span>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/tensor_file.h"

namespace rankflow {
namespace {

constexpr std::string_view prefix = "models-";
constexpr double least_seconds = 1, share_of_time = 1.0 / 60;

/// A model is finished once, so that the first of a file names it.
std::string path_of(const std::string& folder, std::int64_t first) {
  return str(folder, "/", prefix, first, ".h5");
}

std::vector<std::string> saved_files(const std::string& folder) {
  std::vector<std::string> paths;
  if (!exists(folder)) return paths;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string name = entry->path().filename();
    if (name.starts_with(prefix) && name.ends_with(".h5")) paths.push_back(entry->path());
  }
  if (failed) throw system_error("cannot list", folder, failed.value());
  std::sort(paths.begin(), paths.end());
  return paths;
}

void save(const std::string& folder, std::span<const ModelRecord> records, const Json& configuration) {
  Json about = Json::array();
  std::vector<TensorView> tensors;
  for (const auto& record : records) {
    about.push_back(record.to_json());
    if (record.failure.empty())
      tensors.push_back(
          {str("model-", record.number), DType::u8, {std::ssize(record.weights)}, record.weights.data()});
  }
  write_tensor_file(path_of(folder, records.front().number), tensors,
                    {{"format", 1}, {"configuration", configuration}, {"models", about}});
}

std::vector<ModelRecord> read(const std::string& path, const Json& configuration) {
  TensorFile file = read_tensor_file(path);
  if (file.attributes.at("configuration") != configuration)
    throw Error(ExitStatus::bad_data, "they are of another training");
  std::vector<ModelRecord> records;
  for (const auto& about : file.attributes.at("models")) {
    records.push_back(ModelRecord::from_json(about));
    if (!records.back().failure.empty()) continue;
    const StoredTensor* weights = file.find(str("model-", records.back().number));
    if (!weights) throw Error(ExitStatus::bad_data, str("model ", records.back().number, " is missing"));
    records.back().weights = weights->data;
  }
  return records;
}

}  // namespace

FinishedModels::FinishedModels(std::string folder, Json configuration)
    : folder_(std::move(folder)),
      configuration_(std::move(configuration)),
      start_(monotonic_seconds()),
      last_save_(start_) {}

std::vector<ModelRecord> FinishedModels::restore(std::vector<std::string>& notes) const {
  std::vector<ModelRecord> all;
  std::set<std::int64_t> seen;
  for (const auto& path : saved_files(folder_)) {
    const auto pass_over = [&](const std::string& why) {
      notes.push_back(str("finished models in ", path, " are not used: ", why));
    };
    try {
      for (auto& record : read(path, configuration_)) {
        if (seen.insert(record.number).second) all.push_back(std::move(record));
      }
    } catch (const Error& e) {
      if (e.status() != ExitStatus::bad_data) throw;
      pass_over(e.message());
    } catch (const Json::exception& e) {
      pass_over(e.what());
    }
  }
  return all;
}

void FinishedModels::add(ModelRecord record) {
  added_.push_back(std::move(record));
  const double now = monotonic_seconds();
  if (now - last_save_ >= std::max(least_seconds, share_of_time * (now - start_))) flush();
}

void FinishedModels::flush() {
  if (saved_ == added_.size()) return;
  make_directories(folder_);
  save(folder_, std::span(added_).subspan(saved_), configuration_);
  saved_ = added_.size();
  last_save_ = monotonic_seconds();
}

}  // namespace rankflow
