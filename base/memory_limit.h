// The memory of the control group that this process is in: a Slurm job, a container. The kernel ends a process of a group that
// outgrows its limit with SIGKILL and no word; the group's counters tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rankflow {

struct GroupMemory {
  double limit = 0;         // bytes; 0: none
  double most = 0;          // bytes that the group had at once
  std::int64_t killed = 0;  // processes that the kernel ended for lack of memory

  /// "the memory limit of 2.1 GB was reached": for messages.
  std::string description() const;
};

inline constexpr const char* group_root = "/sys/fs/cgroup";
inline constexpr const char* own_groups = "/proc/self/cgroup";

/// nullopt where the kernel does not say. Reads version 2 and version 1 of control groups; tests have files of their own.
std::optional<GroupMemory> group_memory(const std::string& root = group_root,
                                        const std::string& own = own_groups);

/// Bytes that the processes of this group can have together: the host's memory, or the group's limit where that is less.
double available_memory();

/// Processes of the group that the kernel ended for lack of memory since this was made, which takes two small files: every
/// program of a command step is watched.
class MemoryWatch {
 public:
  MemoryWatch();
  /// What happened, where something did.
  std::optional<std::string> kill() const;

 private:
  std::optional<std::int64_t> killed_before_;
};

}  // namespace rankflow
