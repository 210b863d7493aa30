#include "launchers/child_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const auto& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0)
    throw system_error("cannot make a pipe for", "a child process", errno);
  return ends;
}

std::vector<std::string> merged_environment(const std::vector<std::pair<std::string, std::string>>& changes) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const auto name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& change : changes) replaced = replaced || change.first == name;
    if (!replaced) out.push_back(text);
  }
  for (const auto& [name, value] : changes) out.push_back(str(name, "=", value));
  return out;
}

// Between fork and exec only async-signal-safe calls are allowed; all memory was prepared before.
[[noreturn]] void exec_child(char** command, char** environment, int out, int err, int report,
                             int death_signal, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, death_signal);
  if (getppid() != parent) _exit(127);  // the parent ended before prctl took effect
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
      dup2(err, STDERR_FILENO) >= 0) {
    execve(command[0], command, environment);
  }
  const int error = errno;
  [[maybe_unused]] const auto written = write(report, &error, sizeof error);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command,
                           const std::vector<std::pair<std::string, std::string>>& environment,
                           int death_signal) {
  const auto variables = merged_environment(environment);
  const auto argv = pointers(command);
  const auto envp = pointers(variables);
  const auto out = make_pipe(), err = make_pipe(), report = make_pipe();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    exec_child(const_cast<char**>(argv.data()), const_cast<char**>(envp.data()), out[1], err[1], report[1],
               death_signal, parent);
  }
  const int fork_error = pid_ < 0 ? errno : 0;
  for (const int end : {out[1], err[1], report[1]}) close(end);
  int error = fork_error;
  // Ends without a byte when exec succeeds and closes the other end.
  if (pid_ > 0 && read(report[0], &error, sizeof error) != sizeof error) error = 0;
  close(report[0]);
  out_ = out[0];
  err_ = err[0];
  if (error != 0) {
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
    close_out();
    close_err();
    throw system_error("cannot start", command[0], error);
  }
  for (const int fd : {out_, err_}) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

ChildProcess::~ChildProcess() {
  if (!end_) {
    signal_group(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close_out();
  close_err();
}

void ChildProcess::close_out() {
  if (out_ >= 0) ::close(out_);
  out_ = -1;
}

void ChildProcess::close_err() {
  if (err_ >= 0) ::close(err_);
  err_ = -1;
}

void ChildProcess::signal(int number) const {
  if (!end_) kill(pid_, number);
}

void ChildProcess::signal_group(int number) const {
  kill(-pid_, number);
}

std::optional<ProcessEnd> ChildProcess::ended() {
  if (end_) return end_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  end_ = WIFSIGNALED(status) ? ProcessEnd{0, WTERMSIG(status)} : ProcessEnd{WEXITSTATUS(status), 0};
  return end_;
}

std::string find_in_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const auto& folder : split(path ? path : "", ':')) {
    const std::string candidate = str(folder.empty() ? "." : folder, "/", program);
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

std::string find_rank_program() {
  std::array<char, 4096> self{};
  const ssize_t length = readlink("/proc/self/exe", self.data(), self.size() - 1);
  if (length > 0) {
    const std::string own(self.data(), static_cast<std::size_t>(length));
    const std::string beside = str(own.substr(0, own.rfind('/')), "/rankflow-rank");
    if (access(beside.c_str(), X_OK) == 0) return beside;
  }
  const auto found = find_in_path("rankflow-rank");
  if (found.empty()) {
    throw Error(ExitStatus::configuration, "rankflow-rank is neither beside rankflow nor in $PATH",
                "install both programs in one folder (cmake --install does)");
  }
  return found;
}

void become(const std::vector<std::string>& command) {
  execv(command[0].c_str(), pointers(command).data());
  throw system_error("cannot start", command[0], errno);
}

}  // namespace rankflow
