// A child process in a process group of its own, whose output comes through pipes and who dies when we do.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace rankflow {

/// How a process ended.
struct ProcessEnd {
  int exit_code = 0;  // where signal is 0
  int signal = 0;
};

class ChildProcess {
 public:
  /// Starts `command[0]` (a path) with standard input from /dev/null and a clean signal mask; `environment`
  /// is set on top of ours. The kernel sends it `death_signal` when this thread ends. Throws Error (io,
  /// permission).
  ChildProcess(const std::vector<std::string>& command,
               const std::vector<std::pair<std::string, std::string>>& environment, int death_signal);
  /// Kills what is left of it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  int out_fd() const { return out_; }
  int err_fd() const { return err_; }
  pid_t pid() const { return pid_; }
  /// Closes a pipe that has ended.
  void close_out();
  void close_err();

  void signal(int number) const;
  /// To its whole process group (mpirun's ranks have groups of their own).
  void signal_group(int number) const;
  /// How it ended, once it has; never blocks.
  std::optional<ProcessEnd> ended();

 private:
  pid_t pid_ = -1;
  int out_ = -1, err_ = -1;
  std::optional<ProcessEnd> end_;
};

/// Absolute path of an executable found by $PATH, "" where there is none.
std::string find_in_path(const std::string& program);
/// rankflow-rank: beside this executable, otherwise by $PATH. Throws Error (configuration) where there is
/// none.
std::string find_rank_program();
/// Becomes `command` (execv); returns only by throwing Error.
[[noreturn]] void become(const std::vector<std::string>& command);

}  // namespace rankflow
