// The `command` step: any program, once or on every rank, as torchrun would start it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "base/clock.h"
#include "base/text.h"
#include "runtime/step.h"
#include "steps/child_program.h"

namespace rankflow {
namespace {

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
  auto variables = inherited_environment();
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
  return environment_list(variables);
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
    remove_empty_log(request.output);
    if (result.ok()) return;
    if (context.cancel.requested())
      throw Error(ExitStatus::step_failed, "ended because another rank of the step failed");
    if (ended_by_stop(result, [&] { return context.stop.requested(); })) throw Stopped();
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
