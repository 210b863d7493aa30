// Starts child processes from a small helper that was forked before MPI and LibTorch came up: forking a rank
// with InfiniBand memory registered or threads running is unsafe, and slow. The helper ends its children when
// the rank dies.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rankflow {

struct SpawnRequest {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH; never a shell
  std::vector<std::string> environment;  // complete: "NAME=value"
  std::string folder;                    // working directory
  std::string output;                    // file that standard output and standard error are appended to
};

struct SpawnResult {
  int exit_code = 0;  // of a program that ended by itself
  int signal = 0;     // that ended it, or 0
  std::string error;  // why it could not be started, or ""
  bool ok() const { return error.empty() && signal == 0 && exit_code == 0; }
};

class Spawner {
 public:
  /// Forks the helper. Call on the main thread before any other thread exists and before MPI_Init.
  static std::unique_ptr<Spawner> start();
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;

  /// Asked about ten times a second: nothing while the program may go on, or the seconds of grace it gets
  /// between SIGTERM and SIGKILL.
  using EndAfter = std::function<std::optional<double>()>;

  /// Runs a program to its end, in a process group of its own. One program at a time per spawner.
  /// Throws SpawnerGone where the helper has ended, or does not end the program though it was told to by force.
  SpawnResult run(const SpawnRequest& request, const EndAfter& end_after);
  /// For how many seconds the helper has given no sign of life while a program runs, or 0. From any thread.
  double silent() const { return silent_; }

 private:
  Spawner(int socket, pid_t helper) : socket_(socket), helper_(helper) {}
  int socket_;
  pid_t helper_;
  std::atomic<double> silent_{0};
};

}  // namespace rankflow
