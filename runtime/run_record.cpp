#include "runtime/run_record.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json_text.h"

namespace rankflow {

std::string new_run_id(const std::string& pipeline_name) {
  const std::int64_t now = unix_nanoseconds();
  std::string time;
  for (const char c : utc_text(now)) {  // 2026-11-20T21:35:10Z
    if (c == 'T') time += '-';
    if (c >= '0' && c <= '9') time += c;
  }
  // A run's name is also a folder's, and at most 100 characters long.
  const std::string name = is_plain_name(pipeline_name) ? pipeline_name.substr(0, 60) : "pipeline";
  // The fraction of the second tells runs of one second apart, and which came first.
  constexpr std::int64_t second = 1'000'000'000;
  std::array<char, 8> tail{};
  std::snprintf(tail.data(), tail.size(), "%04x", static_cast<unsigned>(now % second * 65536 / second));
  return str(time, "-", name, "-", tail.data());
}

RunRecord RunRecord::create(Store& store, const std::string& pipeline_name) {
  make_directories(store.layout().runs());
  for (int attempt = 0; attempt < 100; ++attempt) {
    std::string id = new_run_id(pipeline_name);
    const std::string path = store.layout().run(id);
    if (::mkdir(path.c_str(), 0777) == 0) {
      // mkdir cuts the mode by the umask and ignores set-group-id on some file systems.
      if (::chmod(path.c_str(), 02775) != 0) throw system_error("set the mode of", path, errno);
      return RunRecord(store, std::move(id));
    }
    if (errno != EEXIST) throw system_error("create folder", path, errno);
  }
  throw Error(ExitStatus::internal, str("no free name for a run in ", store.layout().runs()));
}

RunRecord::RunRecord(Store& store, std::string id)
    : id_(std::move(id)), store_(store.layout()), layout_{store.layout().run(id_)}, json_(Json::object()) {
  if (!is_plain_name(id_)) throw Error(ExitStatus::usage, str("\"", id_, "\" can't be the name of a run"));
  make_directories(layout_.root);
  if (auto earlier = try_read_json(layout_.record()); earlier && earlier->is_object())
    json_ = std::move(*earlier);
  json_["format"] = 1;
  json_["run"] = id_;
  write_file_atomically(store.layout().latest_run(), id_ + "\n", false);
}

namespace {

// One line per key and per step: short to write, and to be read and compared line by line.
std::string record_text(const Json& record) {
  std::string out = "{";
  const char* comma = "\n";
  for (const auto& [key, value] : record.items()) {
    out += std::exchange(comma, ",\n");
    out += json_text(key) + ": ";
    if (key != "steps" || !value.is_object()) {
      out += json_text(value);
      continue;
    }
    out += "{";
    const char* step_comma = "\n ";
    for (const auto& [step, entry] : value.items()) {
      out += std::exchange(step_comma, ",\n ");
      out += json_text(step) + ": " + json_text(entry);
    }
    out += "}";
  }
  return out + "\n}\n";
}

// The parts of a run's name that tell when it began: date and time, and the fraction of the second at its
// end.
std::pair<std::string_view, std::string_view> time_of(std::string_view id) {
  constexpr std::size_t date_and_time = 15;
  return {id.substr(0, date_and_time), id.substr(std::min(id.rfind('-'), id.size()))};
}

// Names of the folders in runs/, newest first.
std::vector<std::string> run_folders(const StoreLayout& layout) {
  std::vector<std::string> ids;
  std::error_code problem;
  for (std::filesystem::directory_iterator at(layout.runs(), problem), end; !problem && at != end;
       at.increment(problem)) {
    std::string name = at->path().filename().string();
    if (name != "latest" && is_plain_name(name)) ids.push_back(std::move(name));
  }
  if (problem && problem != std::errc::no_such_file_or_directory) {
    throw system_error("read folder", layout.runs(), problem.value());
  }
  std::sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
    return std::pair(time_of(a), a) > std::pair(time_of(b), b);
  });
  return ids;
}

std::optional<Json> read_record(const StoreLayout& layout, const std::string& id) {
  auto record = try_read_json(RunLayout{layout.run(id)}.record());
  return record && record->is_object() ? std::move(record) : std::nullopt;
}

std::string known_runs(const std::vector<std::string>& ids) {
  if (ids.empty()) return "there are no runs yet";
  constexpr std::size_t shown = 5;
  const std::vector<std::string> first(
      ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(shown, ids.size())));
  return str("newest: ", join(first, ", "),
             ids.size() > shown ? str(" and ", ids.size() - shown, " more") : "");
}

std::string resolve_run(const StoreLayout& layout, const std::string& id) {
  if (id == "latest" && exists(layout.latest_run())) {
    std::string latest = trim(read_file(layout.latest_run()));
    if (is_plain_name(latest) && exists(layout.run(latest))) return latest;
  }
  const auto ids = run_folders(layout);
  if (id == "latest") {
    for (const auto& candidate : ids) {
      if (exists(RunLayout{layout.run(candidate)}.record())) return candidate;
    }
    throw Error(ExitStatus::usage, str("there is no run in ", layout.root), "rankflow run PIPELINE");
  }
  std::vector<std::string> matching;
  for (const auto& candidate : ids) {
    if (candidate == id) return candidate;
    if (!id.empty() && candidate.starts_with(id)) matching.push_back(candidate);
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty()) {
    throw Error(ExitStatus::usage, str("no run is called \"", id, "\" in ", layout.root), known_runs(ids));
  }
  throw Error(ExitStatus::usage, str("\"", id, "\" may be any of ", matching.size(), " runs"),
              known_runs(matching));
}

}  // namespace

void RunRecord::save(bool durable) {
  write_file_atomically(layout_.record(), record_text(json_), durable);
}

std::vector<Json> load_runs(const StoreLayout& layout, std::size_t limit) {
  std::vector<Json> records;
  for (const auto& id : run_folders(layout)) {
    if (records.size() == limit) break;
    if (auto record = read_record(layout, id)) records.push_back(std::move(*record));
  }
  return records;
}

std::vector<std::string> list_runs(const StoreLayout& layout) {
  auto ids = run_folders(layout);
  std::erase_if(ids, [&](const std::string& id) { return !read_record(layout, id); });
  return ids;
}

Json load_run(const StoreLayout& layout, const std::string& id) {
  const std::string resolved = resolve_run(layout, id);
  auto record = read_record(layout, resolved);
  if (!record) {
    throw Error(ExitStatus::io, str(RunLayout{layout.run(resolved)}.record(), " is missing or damaged"),
                "rankflow runs lists those that can be read");
  }
  return std::move(*record);
}

namespace {

// A reused step's entry names the run that made its outputs, perhaps under another name; what they were made
// from stands there.
bool complete_entry(const StoreLayout& layout, Json& entry) {
  if (entry.contains("ingredients")) return entry["ingredients"].is_object();
  const auto maker = read_record(layout, entry.value("run", ""));
  if (!maker || !maker->contains("steps")) return false;
  for (const auto& [name, made] : maker->at("steps").items()) {
    if (made.value("fingerprint", "") != entry.value("fingerprint", "?") || !made.contains("ingredients"))
      continue;
    entry["ingredients"] = made["ingredients"];
    entry["labels"] = made.value("labels", Json::object());
    return true;
  }
  return false;
}

}  // namespace

std::optional<Json> newest_run_with_step(const StoreLayout& layout, const std::string& pipeline_file,
                                         const std::string& step) {
  const std::string wanted = absolute_path(pipeline_file);
  for (const auto& id : run_folders(layout)) {
    auto record = read_record(layout, id);
    if (!record) continue;
    const auto file = record->find("pipeline_file");
    if (file == record->end() || !file->is_string() || absolute_path(file->get<std::string>()) != wanted)
      continue;
    const auto steps = record->find("steps");
    if (steps == record->end() || !steps->is_object()) continue;
    const auto entry = steps->find(step);
    if (entry == steps->end() || !entry->is_object()) continue;
    if (complete_entry(layout, *entry)) return record;
  }
  return std::nullopt;
}

std::string output_digest(const Json& record, const std::string& wanted) {
  std::vector<std::string> there;
  const Json steps = record.value("steps", Json::object());
  for (const auto& [step, entry] : steps.items()) {
    const Json outputs = entry.value("outputs", Json::object());
    for (const auto& [output, digest] : outputs.items()) {
      there.push_back(str(step, ".", output));
      if (there.back() == wanted) return digest.get<std::string>();
    }
  }
  throw Error(ExitStatus::usage,
              str("run ", record.at("run").get<std::string>(), " has no output \"", wanted, "\"",
                  did_you_mean(wanted, there)),
              there.empty() ? "a run whose steps are done" : str("one of ", join(there, ", ")));
}

}  // namespace rankflow
