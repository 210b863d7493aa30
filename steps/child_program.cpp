#include "steps/child_program.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/clock.h"
#include "base/shortened.h"
#include "base/text.h"
#include "io/file.h"

extern char** environ;

namespace rankflow {
namespace {

bool belongs_to_launcher(const std::string& variable) {
  static constexpr std::array<const char*, 10> prefixes = {
      "OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "SLURM_", "MPI_", "HYDRA_", "RANKFLOW_SUPERVISED", "OPAL_"};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* p) { return variable.starts_with(p); });
}

}  // namespace

std::map<std::string, std::string> inherited_environment() {
  std::map<std::string, std::string> variables;
  for (char** v = environ; *v; ++v) {
    const std::string text = *v;
    const auto equals = text.find('=');
    if (equals != std::string::npos && !belongs_to_launcher(text))
      variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return variables;
}

std::map<std::string, std::string> environment_of_one_core() {
  auto variables = inherited_environment();
  for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
    variables.insert_or_assign(name, "1");
  // Giving memory back to the system and getting it again, page by page, took a third of the time of a function that multiplies
  // matrices.
  const std::string kept_bytes = std::to_string(256 << 20);
  for (const char* name : {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"})
    variables.try_emplace(name, kept_bytes);
  return variables;
}

std::vector<std::string> environment_list(const std::map<std::string, std::string>& variables) {
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

std::string last_lines(const std::string& path, std::size_t lines) {
  if (!exists(path)) return "";
  const std::string text = read_file(path);
  auto all = split(trim(last_part(text, 4000)), '\n');
  if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<std::ptrdiff_t>(lines));
  return join(all, "\n    ");
}

std::string ending(const SpawnResult& result, const MemoryWatch& memory) {
  if (!result.error.empty()) return str("could not be started: ", result.error);
  if (result.signal) {
    const auto killed = result.signal == SIGKILL ? memory.kill() : std::nullopt;
    return str("was ended by signal ", result.signal, " (", strsignal(result.signal), ")",
               killed ? ": " + *killed : "");
  }
  return str("ended with exit code ", result.exit_code);
}

bool ended_by_stop(const SpawnResult& result, const std::function<bool()>& stop) {
  constexpr std::array signals = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
  // A shell whose command was ended by a signal ends with 128 and the signal's number.
  const int number = result.signal ? result.signal : result.exit_code - 128;
  if (std::find(signals.begin(), signals.end(), number) == signals.end()) return stop();
  const double until = monotonic_seconds() + 2;
  while (!stop() && monotonic_seconds() < until) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return stop();
}

void remove_empty_log(const std::string& path) {
  FileStamp stamp;
  if (stamp_of(path, stamp) && stamp.size == 0) remove_tree(path);
}

}  // namespace rankflow
