#include "io/file_memory.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"

namespace rankflow {
namespace {

// File: magic, SHA-256 (64 digits) of the rest, then entries: key length, value length (u32 each), stamp,
// key, value. Native byte order: the file is one machine type's cache, and the magic reads differently on the
// other kind.
constexpr std::string_view kMagic = "rankflow memory 1\n";
constexpr std::size_t kDigestDigits = 64;
constexpr std::size_t kEntryHead = 2 * sizeof(std::uint32_t) + sizeof(FileStamp);
constexpr std::size_t kMostEntries = 200'000;
// Coarsest times of file systems in use: 2 s on FAT and some network servers.
constexpr std::int64_t kGrainNs = 2'000'000'000;

/// True where a change right now would leave another stamp than this one.
bool is_settled(const FileStamp& stamp) {
  return unix_nanoseconds() - std::max(stamp.mtime_ns, stamp.ctime_ns) > kGrainNs;
}

}  // namespace

FileMemory::FileMemory(std::string path) : path_(std::move(path)) {
  if (!path_.empty()) load();
}

void FileMemory::load() {
  std::string text;
  try {
    if (!exists(path_)) return;
    text = read_file(path_);
  } catch (const Error& e) {
    log::debug(str("the file memory is not used: ", e.message()));
    return;
  }
  std::string_view rest = text;
  if (!rest.starts_with(kMagic) || rest.size() < kMagic.size() + kDigestDigits) return;
  rest.remove_prefix(kMagic.size());
  const std::string_view digest = rest.substr(0, kDigestDigits);
  rest.remove_prefix(kDigestDigits);
  if (sha256(rest) != digest) return;
  entries_.reserve(rest.size() / 256);
  while (rest.size() >= kEntryHead) {
    std::uint32_t lengths[2];
    Entry entry;
    std::memcpy(lengths, rest.data(), sizeof lengths);
    std::memcpy(&entry.stamp, rest.data() + sizeof lengths, sizeof entry.stamp);
    rest.remove_prefix(kEntryHead);
    entry.value = rest.substr(lengths[0], lengths[1]);
    entries_.emplace(rest.substr(0, lengths[0]), std::move(entry));
    rest.remove_prefix(lengths[0] + lengths[1]);
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
  const auto known = entries_.find(key);
  if (known != entries_.end() && known->second.stamp == stamp) {
    known->second.used = true;
    return known->second.value;
  }
  const bool settled = is_settled(stamp);
  std::string value = compute(path);
  FileStamp after;
  if (!stamp_of(path, after) || !(after == stamp)) {
    throw Error(ExitStatus::bad_data, str(path, " changed while it was read"),
                "run again when nothing writes it any more");
  }
  if (settled) {
    entries_[std::move(key)] = {stamp, value, true};
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
  std::string body;
  for (const auto& [key, entry] : entries_) {
    const std::uint32_t lengths[2] = {static_cast<std::uint32_t>(key.size()),
                                      static_cast<std::uint32_t>(entry.value.size())};
    body.append(reinterpret_cast<const char*>(lengths), sizeof lengths);
    body.append(reinterpret_cast<const char*>(&entry.stamp), sizeof entry.stamp);
    body += key;
    body += entry.value;
  }
  return str(kMagic, sha256(body), body);
}

void FileMemory::prune() {
  if (entries_.size() <= kMostEntries) return;
  std::erase_if(entries_, [](const auto& item) { return !item.second.used; });
}

void FileMemory::save() {
  if (path_.empty() || !changed_) return;
  try {
    prune();
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
