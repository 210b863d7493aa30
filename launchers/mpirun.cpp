#include "launchers/mpirun.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "launchers/child_process.h"

namespace rankflow {

std::vector<std::string> mpirun_command(int ranks, int slots, const std::vector<std::string>& rank_command) {
  const auto mpirun = find_in_path("mpirun");
  if (mpirun.empty()) {
    throw Error(ExitStatus::configuration, "mpirun is not in $PATH, and several ranks need it",
                "install Open MPI (Debian: openmpi-bin) or load the cluster's module, or run on one rank");
  }
  // Binding would leave each rank's threads one core to share; ranks take their share of the cores
  // themselves.
  std::vector<std::string> command = {mpirun, "-n", std::to_string(ranks), "--bind-to", "none"};
  if (ranks > slots) command.push_back("--oversubscribe");
  command.insert(command.end(), rank_command.begin(), rank_command.end());
  return command;
}

std::vector<std::pair<std::string, std::string>> mpirun_environment(int ranks, int slots) {
  std::vector<std::pair<std::string, std::string>> variables;
  if (ranks > slots) variables.emplace_back("OMPI_MCA_mpi_yield_when_idle", "1");
  if (geteuid() == 0) {
    // Open MPI refuses root; whoever is root here is in a container or knows it.
    variables.emplace_back("OMPI_ALLOW_RUN_AS_ROOT", "1");
    variables.emplace_back("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
  }
  return variables;
}

int usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    std::ifstream siblings(str("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
    std::string core;
    // Without that file (some containers) every CPU counts as a core.
    if (!std::getline(siblings, core)) core = std::to_string(cpu);
    cores.insert(core);
  }
  return std::max(1, static_cast<int>(cores.size()));
}

std::vector<std::string> important_lines(const std::string& output, std::size_t most) {
  std::vector<std::string> lines;
  for (const auto& raw : split(output, '\n')) {
    const auto line = trim(raw);
    const bool rule = line.find_first_not_of("-=*") == std::string::npos;
    if (rule || std::find(lines.begin(), lines.end(), line) != lines.end()) continue;
    if (lines.size() == most) break;
    lines.push_back(line);
  }
  return lines;
}

bool lacks_resources(const std::string& output) {
  for (const char* mark : {"OUT-OF-RESOURCE", "ERR-IN-ERRNO", "Too many open files",
                           "No space left on device", "Cannot allocate memory", "failed to map segment"}) {
    if (output.find(mark) != std::string::npos) return true;
  }
  return false;
}

}  // namespace rankflow
