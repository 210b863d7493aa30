#include "runtime/spawner.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "base/clock.h"
#include "base/text.h"
#include "runtime/spawner_gone.h"

namespace rankflow {
namespace {

bool send_all(int fd, const void* data, std::size_t bytes) {
  auto* p = static_cast<const char*>(data);
  while (bytes > 0) {
    const auto n = ::send(fd, p, bytes, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n, bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

bool receive_all(int fd, void* data, std::size_t bytes) {
  auto* p = static_cast<char*>(data);
  while (bytes > 0) {
    const auto n = ::recv(fd, p, bytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n, bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

// Between rank and helper: a length, then that many bytes. "R…" is a request: fields ended by NUL (none can
// hold one); "S15" asks for a signal. A signal that crosses the program's end finds nobody and is dropped. While a program runs the
// helper sends a sign of life each second.
constexpr std::string_view alive = "alive";
constexpr int alive_ms = 1000;
constexpr double answer_patience = 10;  // seconds for a helper to end a program that SIGKILL was asked for

bool send_text(int fd, const std::string& text) {
  const auto size = static_cast<std::uint32_t>(text.size());
  return send_all(fd, &size, sizeof size) && send_all(fd, text.data(), text.size());
}

bool receive_text(int fd, std::string& text) {
  std::uint32_t size = 0;
  if (!receive_all(fd, &size, sizeof size)) return false;
  text.resize(size);
  return receive_all(fd, text.data(), size);
}

std::string encode(const SpawnRequest& r) {
  std::string out =
      "R" + str(r.argv.size()) + '\0' + str(r.environment.size()) + '\0' + r.folder + '\0' + r.output + '\0';
  for (const auto* list : {&r.argv, &r.environment}) {
    for (const auto& item : *list) out += item + '\0';
  }
  return out;
}

SpawnRequest decode(const std::string& text) {
  auto fields = split(std::string_view(text).substr(1), '\0');
  SpawnRequest r;
  const std::size_t argc = std::stoul(fields[0]), envc = std::stoul(fields[1]);
  r.folder = fields[2];
  r.output = fields[3];
  r.argv.assign(fields.begin() + 4, fields.begin() + 4 + static_cast<std::ptrdiff_t>(argc));
  r.environment.assign(fields.begin() + 4 + static_cast<std::ptrdiff_t>(argc),
                       fields.begin() + 4 + static_cast<std::ptrdiff_t>(argc + envc));
  return r;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& t : texts) out.push_back(t.data());
  out.push_back(nullptr);
  return out;
}

// In the child: never returns. What fails is written to `report`, which exec closes.
[[noreturn]] void become_program(SpawnRequest& r, int report, pid_t helper) {
  auto fail = [&](const char* what) {
    const std::string text = str(what, ": ", std::strerror(errno));
    [[maybe_unused]] auto n = ::write(report, text.data(), text.size());
    _exit(127);
  };
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != helper) _exit(127);  // the helper died before the line above
  for (int s : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE, SIGHUP}) signal(s, SIG_DFL);
  const int in = open("/dev/null", O_RDONLY);
  const int out = open(r.output.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0664);
  if (in < 0 || out < 0) fail(str("cannot open ", r.output).c_str());
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  if (chdir(r.folder.c_str()) != 0) fail(str("cannot enter ", r.folder).c_str());
  auto argv = pointers(r.argv), environment = pointers(r.environment);
  // PATH is looked up in the environment that the program gets.
  environ = environment.data();
  execvp(argv[0], argv.data());
  fail(str("cannot start ", r.argv[0]).c_str());
  _exit(127);
}

struct Child {
  pid_t pid = -1;
  int pidfd = -1;
};

// Starts the program; `error` says why not.
Child start_program(SpawnRequest& request, std::string& error) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    error = str("pipe: ", std::strerror(errno));
    return {};
  }
  const pid_t helper = getpid();
  const pid_t pid = fork();
  if (pid == 0) become_program(request, report[1], helper);
  close(report[1]);
  if (pid < 0) {
    error = str("fork: ", std::strerror(errno));
  } else {
    char text[512];
    const auto n = read(report[0], text, sizeof text);  // ends at exec, which closes the other side
    if (n > 0) {
      error.assign(text, static_cast<std::size_t>(n));
      waitpid(pid, nullptr, 0);
    }
  }
  close(report[0]);
  if (!error.empty()) return {};
  return {pid, static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
}

// Waits for the child while signals may come from the rank; false: the rank is gone.
bool watch(int socket, const Child& child) {
  for (;;) {
    pollfd fds[] = {{socket, POLLIN, 0}, {child.pidfd, POLLIN, 0}};
    const int ready = poll(fds, 2, alive_ms);
    if (ready < 0 && errno != EINTR) return false;
    if (ready <= 0) {
      if (!send_text(socket, std::string(alive))) return false;
      continue;
    }
    if (fds[1].revents) return true;
    if (fds[0].revents) {
      std::string text;
      if (!receive_text(socket, text)) return false;
      kill(-child.pid, std::stoi(text.substr(1)));
    }
  }
}

[[noreturn]] void serve(int socket) {
  prctl(PR_SET_NAME, "rankflow-spawn");
  // The job's signals go to the whole process group; this process lives as long as its rank does, and no
  // longer.
  for (int s : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE, SIGHUP}) signal(s, SIG_IGN);
  std::string text;
  while (receive_text(socket, text)) {
    if (text[0] != 'R') continue;
    SpawnRequest request = decode(text);
    std::string error;
    const Child child = start_program(request, error);
    int status = 0;
    if (error.empty()) {
      const bool rank_lives = watch(socket, child);
      if (!rank_lives) kill(-child.pid, SIGKILL);
      waitpid(child.pid, &status, 0);
      kill(-child.pid, SIGKILL);  // what the program left behind in its group
      close(child.pidfd);
      if (!rank_lives) _exit(0);
    }
    const int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
              by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (!send_text(socket, str(exit_code, " ", by, " ", error))) _exit(0);
  }
  _exit(0);
}

}  // namespace

std::unique_ptr<Spawner> Spawner::start() {
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
    throw system_error("cannot make", "a socket pair", errno);
  const pid_t helper = fork();
  if (helper < 0) throw system_error("cannot fork", "the helper that starts programs", errno);
  if (helper == 0) {
    close(sockets[0]);
    serve(sockets[1]);
  }
  close(sockets[1]);
  return std::unique_ptr<Spawner>(new Spawner(sockets[0], helper));
}

Spawner::~Spawner() {
  close(socket_);          // the helper ends at end of file
  kill(helper_, SIGCONT);  // even where somebody stopped it
  waitpid(helper_, nullptr, 0);
}

SpawnResult Spawner::run(const SpawnRequest& request, const EndAfter& end_after) {
  const SpawnerGone gone;
  if (!send_text(socket_, encode(request))) throw gone;
  double kill_at = 0, looked = monotonic_seconds();
  bool asked = false, killed = false;
  std::string text;
  silent_ = 0;
  for (;;) {
    pollfd fd{socket_, POLLIN, 0};
    if (poll(&fd, 1, 100) > 0) {
      if (!receive_text(socket_, text)) throw gone;
      silent_ = 0;
      if (text != alive) break;
    }
    // Where this process was stopped as well, the helper owes nothing for that time.
    silent_ = silent_ + std::min(monotonic_seconds() - looked, 1.0);
    looked = monotonic_seconds();
    if (const auto grace = asked ? std::nullopt : end_after()) {
      asked = true;
      kill_at = monotonic_seconds() + *grace;
      if (!send_text(socket_, str("S", SIGTERM))) throw gone;
    }
    if (asked && !killed && monotonic_seconds() >= kill_at) {
      killed = true;
      if (!send_text(socket_, str("S", SIGKILL))) throw gone;
    }
    if (killed && silent_ > answer_patience) throw gone;
  }
  silent_ = 0;
  SpawnResult result;
  std::istringstream in(text);
  in >> result.exit_code >> result.signal;
  in.get();
  std::getline(in, result.error, '\0');
  return result;
}

}  // namespace rankflow
