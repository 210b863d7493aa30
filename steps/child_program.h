// Programs that a step starts beside its rank: what they find in their environment, and what is said when they end.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/memory_limit.h"
#include "runtime/spawner.h"

namespace rankflow {

/// This process's variables without those of MPI's and the cluster's launchers: a child that saw them would take itself for
/// one of our ranks.
std::map<std::string, std::string> inherited_environment();
/// The same for one of as many processes as there are cores: one thread each (and sums in another number of threads are other
/// sums), and arrays of a mini-batch keep their memory for the next one.
std::map<std::string, std::string> environment_of_one_core();
/// "NAME=value", as SpawnRequest takes them.
std::vector<std::string> environment_list(const std::map<std::string, std::string>& variables);

/// The last lines of a log, for the message about a program that failed; "" where there is none.
std::string last_lines(const std::string& path, std::size_t lines);
/// "ended with exit code 3", "was ended by signal 9 (Killed): …"; `memory` watched while it ran.
std::string ending(const SpawnResult& result, const MemoryWatch& memory);
/// Whether the program ended because its rank shall stop, too. A batch system sends its signal to all processes of a job, one after
/// the other, so that a program may be gone before its rank has heard of it: where such a signal ended the program, this
/// waits for up to two seconds until `stop()`.
bool ended_by_stop(const SpawnResult& result, const std::function<bool()>& stop);
/// Removes a program's log that is empty: thousands of them burden the file system.
void remove_empty_log(const std::string& path);

}  // namespace rankflow
