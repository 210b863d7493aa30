// How ranks are started through Open MPI's mpirun, and what its output says when they could not be.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace rankflow {

/// mpirun's command line for `ranks` ranks of `rank_command`; `slots`: how many the machine or allocation has
/// room for. Throws Error (configuration) where there is no mpirun.
std::vector<std::string> mpirun_command(int ranks, int slots, const std::vector<std::string>& rank_command);
/// What mpirun and its ranks need in the environment.
std::vector<std::pair<std::string, std::string>> mpirun_environment(int ranks, int slots);
/// Physical cores that this process may use: the slots that Open MPI counts on a machine outside an
/// allocation.
int usable_cores();

/// The lines of mpirun's output that a person needs, at most `most`: no rules, blanks or repeats.
std::vector<std::string> important_lines(const std::string& output, std::size_t most = 8);
/// Whether it says that mpirun or a rank did not get what the system has too little of: room for its own files, descriptors, memory.
bool lacks_resources(const std::string& output);

}  // namespace rankflow
