// The `command` step: any program, once or on every rank, as torchrun would start it.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/memory_limit.h"
#include "base/text.h"
#include "io/file.h"
#include "runtime/spawner.h"
#include "runtime/step.h"

extern char** environ;

namespace rankflow {
namespace {

// Variables of the launchers: a child that saw them would take itself for one of our ranks.
bool belongs_to_launcher(const std::string& variable) {
  static constexpr std::array<const char*, 10> prefixes = {
      "OMPI_", "PMIX_", "PMI_", "PRTE_", "ORTE_", "SLURM_", "MPI_", "HYDRA_", "RANKFLOW_SUPERVISED", "OPAL_"};
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const char* p) { return variable.starts_with(p); });
}

/// A TCP port that was free a moment ago: what torchrun does too.
int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw system_error("cannot make", "a socket", errno);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t size = sizeof address;
  const bool ok = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  const int error = errno;
  close(fd);
  if (!ok) throw system_error("cannot find", "a free port", error);
  return ntohs(address.sin_port);
}

std::vector<std::string> child_environment(const StepContext& context, int rank, int size, int port) {
  std::map<std::string, std::string> variables;
  for (char** v = environ; *v; ++v) {
    const std::string text = *v;
    const auto equals = text.find('=');
    if (equals != std::string::npos && !belongs_to_launcher(text))
      variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  // One host: the loopback address works wherever the host's own name does not resolve.
  const bool one_host = std::all_of(context.hosts.begin(), context.hosts.end(),
                                    [&](const auto& h) { return h == context.hosts[0]; });
  variables["RANK"] = std::to_string(rank);
  variables["WORLD_SIZE"] = std::to_string(size);
  variables["LOCAL_RANK"] = std::to_string(size == 1 ? 0 : context.local_rank);
  variables["LOCAL_WORLD_SIZE"] = std::to_string(size == 1 ? 1 : context.local_size);
  variables["MASTER_ADDR"] = one_host ? "127.0.0.1" : context.hosts[0];
  variables["MASTER_PORT"] = std::to_string(port);
  variables.try_emplace("OMP_NUM_THREADS", std::to_string(context.threads));
  for (const auto& [name, value] : context.parameters.at("env").items())
    variables[name] = value.get<std::string>();
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(name + "=" + value);
  return out;
}

/// The last lines of a log, for the message about a program that failed.
std::string last_lines(const std::string& path, std::size_t lines) {
  if (!exists(path)) return "";
  std::string text = read_file(path);
  if (text.size() > 4000) text.erase(0, text.size() - 4000);
  auto all = split(trim(text), '\n');
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

class CommandStep : public Step {
 public:
  void run(StepContext& context) override {
    const bool per_rank = context.parameters.at("per_rank");
    const int size = per_rank ? context.comm.size() : 1;
    if (context.comm.rank() >= size) return;
    // The port is the group's; a lone program gets one as well, since scripts read MASTER_PORT unasked.
    int port = context.first() ? free_port() : 0;
    if (per_rank) context.comm.broadcast(&port, sizeof port, 0);
    run_program(context, size, port);
  }

 private:
  void run_program(StepContext& context, int size, int port) {
    const Json& p = context.parameters;
    SpawnRequest request;
    request.argv = p.at("command").get<std::vector<std::string>>();
    request.environment = child_environment(context, context.comm.rank(), size, port);
    const std::string folder = p.at("folder");
    request.folder = folder.starts_with('/') ? folder : context.folder + "/" + folder;
    request.output = str(context.log_folder, "/rank-", context.comm.rank(), ".log");
    if (request.argv[0].find('/') != std::string::npos && request.argv[0][0] != '/') {
      request.argv[0] = request.folder + "/" + request.argv[0];
    }

    const double started = monotonic_seconds(), limit = p.value("timeout", 0.0);
    const auto too_long = [&] { return limit > 0 && monotonic_seconds() - started > limit; };
    // A program that is stopped may save its work; one whose peer failed has nothing to save, and holds up
    // the others.
    const auto end_after = [&]() -> std::optional<double> {
      if (context.cancel.requested()) return 0.5;
      if (context.stop.requested()) return 10;
      if (too_long()) return 5;
      return std::nullopt;
    };
    const MemoryWatch memory;
    const auto result = context.spawner->run(request, end_after);
    // An empty log says nothing, and thousands of them burden the file system.
    FileStamp stamp;
    if (stamp_of(request.output, stamp) && stamp.size == 0) remove_tree(request.output);
    if (result.ok()) return;
    if (context.cancel.requested())
      throw Error(ExitStatus::step_failed, "ended because another rank of the step failed");
    if (context.stop.requested()) throw Stopped();
    const std::string tail = last_lines(request.output, 5);
    throw Error(ExitStatus::step_failed,
                str("program ", p.at("command")[0].get<std::string>(), " ",
                    too_long() ? str("ran longer than its timeout of ", human_seconds(limit))
                               : ending(result, memory),
                    tail.empty() ? "" : str("; its last output:\n    ", tail, "\n ")),
                str("rankflow logs ", context.step));
  }
};

}  // namespace

std::unique_ptr<Step> make_command() {
  return std::make_unique<CommandStep>();
}

}  // namespace rankflow
