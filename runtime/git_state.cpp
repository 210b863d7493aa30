#include "runtime/git_state.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/text.h"

extern char** environ;

namespace rankflow {
namespace {

constexpr double patience = 2;  // seconds: a run must not wait for a work tree on a slow file system

class SpawnActions {
 public:
  SpawnActions() { ::posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

// Reads until the other side closes, at most until `deadline`; false when that passed or reading failed.
bool read_until(int fd, double deadline, std::string& out) {
  for (;;) {
    const double left = deadline - monotonic_seconds();
    pollfd waiting = {fd, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left * 1000) + 1) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char buffer[4096];
    const ssize_t bytes = ::read(fd, buffer, sizeof buffer);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return false;
    if (bytes == 0) return true;
    out.append(buffer, static_cast<std::size_t>(bytes));
  }
}

bool exited_with_zero(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return false;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Without git's optional locks: a read must not write to a work tree that another process uses.
std::vector<char*> environment_without_locks(std::string& variable) {
  std::vector<char*> out;
  for (char** entry = environ; *entry; ++entry) {
    if (!std::string_view(*entry).starts_with("GIT_OPTIONAL_LOCKS=")) out.push_back(*entry);
  }
  out.push_back(variable.data());
  out.push_back(nullptr);
  return out;
}

// What a program found in PATH writes to standard output; nullopt where it fails or takes too long.
std::optional<std::string> output_of(std::vector<std::string> command) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  SpawnActions actions;
  ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(actions.get(), ends[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(actions.get(), STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (auto& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::string no_locks = "GIT_OPTIONAL_LOCKS=0";
  const std::vector<char*> environment = environment_without_locks(no_locks);

  pid_t child = -1;
  const int failed = ::posix_spawnp(&child, argv[0], actions.get(), nullptr, argv.data(), environment.data());
  ::close(ends[1]);
  std::string text;
  const bool complete = failed == 0 && read_until(ends[0], monotonic_seconds() + patience, text);
  ::close(ends[0]);
  if (failed != 0) return std::nullopt;
  if (!complete) ::kill(child, SIGKILL);
  return exited_with_zero(child) && complete ? std::optional<std::string>(std::move(text)) : std::nullopt;
}

}  // namespace

Json git_state(const std::string& folder) {
  // One call gives both: starting git costs more than what it does.
  const auto status =
      output_of({"git", "-C", folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no"});
  if (!status) return nullptr;
  Json state = {{"commit", nullptr}, {"dirty", false}};
  constexpr std::string_view commit = "# branch.oid ";
  for (const std::string& line : split(*status, '\n')) {
    if (line.starts_with(commit)) {
      const std::string id = line.substr(commit.size());
      if (id != "(initial)") state["commit"] = id;
    } else if (!line.empty() && line.front() != '#') {
      state["dirty"] = true;
    }
  }
  return state;
}

}  // namespace rankflow
