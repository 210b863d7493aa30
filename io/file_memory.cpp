#include "io/file_memory.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <unordered_set>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"

namespace rankflow {
namespace {

// Beyond this only what this process asked for is kept: the rest is mostly about files that are gone.
constexpr std::size_t kMostFacts = 200'000;
// Coarsest times of file systems in use: 2 s on FAT and some network servers.
constexpr std::int64_t kGrainNs = 2'000'000'000;

/// True where a change right now would leave another stamp than this one.
bool is_settled(const FileStamp& stamp) {
  return unix_nanoseconds() - std::max(stamp.mtime_ns, stamp.ctime_ns) > kGrainNs;
}

}  // namespace

FileMemory::FileMemory(std::string path) : path_(std::move(path)) {
  try {
    if (!path_.empty() && exists(path_)) kept_ = FactTable(LazyBytes(File(path_, O_RDONLY | O_NONBLOCK)));
  } catch (const Error& e) {
    log::debug(str("the file memory is not used: ", e.message()));
  }
}

std::string FileMemory::fact(const std::string& path, char topic,
                             const std::function<std::string(const std::string&)>& compute) {
  auto value = fact_if_exists(path, topic, compute);
  if (!value) throw system_error("cannot read", path, ENOENT);
  return *std::move(value);
}

std::optional<std::string> FileMemory::fact_if_exists(
    const std::string& path, char topic, const std::function<std::string(const std::string&)>& compute) {
  std::string key(1, topic);
  key += path.starts_with('/') ? path : absolute_path(path);
  FileStamp stamp;
  if (!stamp_of(path, stamp)) return std::nullopt;
  if (const auto known = new_.find(key); known != new_.end()) {
    if (known->second.stamp == stamp) return known->second.value;
  } else if (const auto fact = kept_.find(key); fact && fact->stamp == stamp) {
    used_.push_back(*fact);
    return std::string(fact->value);
  }
  const bool settled = is_settled(stamp);
  std::string value = compute(path);
  FileStamp after;
  if (!stamp_of(path, after) || !(after == stamp)) {
    throw Error(ExitStatus::bad_data, str(path, " changed while it was read"),
                "run again when nothing writes it any more");
  }
  if (settled) {
    new_[std::move(key)] = {stamp, value, new_.size()};
    changed_ = true;
  }
  return value;
}

std::string FileMemory::digest(const std::string& path) {
  auto value = digest_if_exists(path);
  if (!value) throw system_error("cannot read", path, ENOENT);
  return *std::move(value);
}

std::optional<std::string> FileMemory::digest_if_exists(const std::string& path) {
  return fact_if_exists(path, 'd', [](const std::string& p) {
    // O_NONBLOCK: see read_file().
    File file(p, O_RDONLY | O_NONBLOCK);
    return digest_of(file);
  });
}

std::string FileMemory::encode() const {
  auto kept = kept_.all();
  if (kept.size() + new_.size() > kMostFacts) kept = used_;
  std::vector<Fact> facts;
  std::unordered_set<std::string_view> keys;
  for (const Fact& fact : kept) {
    if (!new_.contains(std::string(fact.key)) && keys.insert(fact.key).second) facts.push_back(fact);
  }
  std::vector<const decltype(new_)::value_type*> learnt;
  for (const auto& item : new_) learnt.push_back(&item);
  std::sort(learnt.begin(), learnt.end(),
            [](auto* a, auto* b) { return a->second.number < b->second.number; });
  for (const auto* item : learnt) facts.push_back({item->second.stamp, item->first, item->second.value});
  return FactTable::encode(facts);
}

void FileMemory::save() {
  if (path_.empty() || !changed_) return;
  try {
    make_directories(parent_of(path_));
    write_file_atomically(path_, encode(), /*durable=*/false);
    changed_ = false;
  } catch (const Error& e) {
    log::warning(str("the file memory is not kept: ", e.message()));
  }
}

std::string FileMemory::default_path() {
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (const auto folder = variable("RANKFLOW_CACHE_DIR"); !folder.empty()) return folder + "/files";
  if (const auto folder = variable("XDG_CACHE_HOME"); !folder.empty()) return folder + "/rankflow/files";
  if (const auto folder = variable("HOME"); !folder.empty()) return folder + "/.cache/rankflow/files";
  return "";
}

}  // namespace rankflow
