#include "base/memory_limit.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/text.h"

namespace rankflow {
namespace {

constexpr double no_limit = 1e18;  // version 1 writes about 2^63 where there is none, version 2 "max"

/// Where a version of control groups has its numbers.
struct Version {
  const char *events, *limit, *most;
};
constexpr Version version_1{"/memory.oom_control", "/memory.limit_in_bytes", "/memory.max_usage_in_bytes"};
constexpr Version version_2{"/memory.events", "/memory.max", "/memory.peak"};

struct Group {
  std::string folder;
  const Version& version;
  std::int64_t killed;
};

/// 0 where there is no number ("max").
double number_in(const std::string& path) {
  std::ifstream file(path);
  double number = 0;
  file >> number;
  return number;
}

/// Of a file with lines "key number".
std::optional<std::int64_t> value_of(const std::string& path, const std::string& key) {
  std::ifstream file(path);
  std::string name;
  std::int64_t value = 0;
  while (file >> name >> value) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<Group> own_group(const std::string& root, const std::string& own) {
  std::ifstream file(own);
  // "4:memory:/slurm/job_7" (version 1), "0::/slurm/job_7" (version 2).
  for (std::string line; std::getline(file, line);) {
    const auto parts = split(line, ':');
    if (parts.size() < 3 || (parts[1] != "memory" && parts[0] != "0")) continue;
    const bool first = parts[1] == "memory";
    const Version& version = first ? version_1 : version_2;
    const std::string folder = str(root, first ? "/memory" : "", join({parts.begin() + 2, parts.end()}, ":"));
    if (const auto killed = value_of(folder + version.events, "oom_kill"))
      return Group{folder, version, *killed};
  }
  return std::nullopt;
}

}  // namespace

std::string GroupMemory::description() const {
  if (limit == 0) return "the host has no memory left";
  return str("the memory limit of ", human_bytes(limit), " was reached (cgroup; ", human_bytes(most),
             " at most)");
}

std::optional<GroupMemory> group_memory(const std::string& root, const std::string& own) {
  const auto group = own_group(root, own);
  if (!group) return std::nullopt;
  const double limit = number_in(group->folder + group->version.limit);
  return GroupMemory{limit < no_limit ? limit : 0, number_in(group->folder + group->version.most),
                     group->killed};
}

double available_memory() {
  const double host =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  const auto group = group_memory();
  return group && group->limit > 0 ? std::min(host, group->limit) : host;
}

MemoryWatch::MemoryWatch() {
  if (const auto group = own_group(group_root, own_groups)) killed_before_ = group->killed;
}

std::optional<std::string> MemoryWatch::kill() const {
  const auto now = group_memory();
  if (!killed_before_ || !now || now->killed <= *killed_before_) return std::nullopt;
  return str("out of memory: the kernel ended it, ", now->description());
}

}  // namespace rankflow
