#include "launchers/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_limit.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/event_lines.h"
#include "launchers/mpirun.h"

namespace rankflow {
namespace {

constexpr std::size_t noise_kept = 64u << 10;  // bytes of launcher output kept to explain a failed start
constexpr double pipe_grace = 2;               // seconds to drain pipes that a stray grandchild keeps open

/// Blocks the signals that the supervisor handles and offers them on a descriptor; restores the mask.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) sigaddset(&set, number);
    sigprocmask(SIG_BLOCK, &set, &before_);
    fd_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ < 0) throw system_error("cannot watch", "signals", errno);
  }
  ~BlockedSignals() {
    close(fd_);
    sigprocmask(SIG_SETMASK, &before_, nullptr);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  int fd() const { return fd_; }
  std::optional<int> next() const {
    signalfd_siginfo info{};
    if (read(fd_, &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
  }

 private:
  int fd_ = -1;
  sigset_t before_{};
};

class Supervisor {
 public:
  Supervisor(const SupervisorOptions& options, RunObserver& display)
      : options_(options), display_(display), log_(options.launcher_log, O_WRONLY | O_CREAT | O_APPEND) {}

  int run() {
    const double started = monotonic_seconds();
    for (int attempt = 1;; ++attempt) {
      attempt_ = Attempt{};
      const MemoryWatch memory;
      const ProcessEnd end = watch();
      if (attempt_.hung) return finish(started, ExitStatus::stopped, attempt_.hung_message);
      // Ended by force, mpirun gives an exit code of its own.
      const bool by_result = attempt_.run_finished.is_object() || end.exit_code == 0;
      if (stop_signal_ != 0 && (is_crash(end) || end.exit_code == code(ExitStatus::stopped) || !by_result)) {
        const auto status = stop_signal_ == SIGINT ? ExitStatus::interrupted : ExitStatus::stopped;
        return finish(started, status,
                      str("stopped by ", signal_name(stop_signal_), "; the same command goes on from here"));
      }
      if (!is_crash(end) && !died_and_stopped_the_others(end))
        return finish_with_result(started, end.exit_code);
      // Started again it would come to the same end.
      if (const auto killed = memory.kill()) {
        return finish(
            started, ExitStatus::stopped,
            str(who_died(), " died: ", *killed,
                ". With more memory for the job, smaller batches, or more nodes the run goes on from here"));
      }
      const std::string died = str(who_died(), " died (", describe(end), ")");
      if (attempt > options_.restarts) {
        return finish(
            started, ExitStatus::stopped,
            str(died, options_.restarts > 0 ? str(", and so did ", options_.restarts, " before it") : "",
                "; the same command goes on from here. What the ranks printed: ", options_.launcher_log));
      }
      note("warning", str(died, "; starting again, attempt ", attempt + 1, " of ", options_.restarts + 1));
    }
  }

 private:
  struct Attempt {
    bool any_event = false;
    Json run_finished;
    std::string noise;
    double last_event = 0;
    double silent_since = 0;  // 0: every rank was heard of
    Json heartbeat;
    bool hung = false;
    std::string hung_message;
    double kill_at = 0;  // 0: not decided
  };

  ProcessEnd watch() {
    ChildProcess child(options_.command, options_.environment, options_.through_mpirun ? SIGTERM : SIGKILL);
    EventLineReader reader([this](const Json& event) { on_event(event); },
                           [this](std::string_view noise) { on_noise(noise); });
    attempt_.last_event = monotonic_seconds();
    double ended_at = 0;
    for (;;) {
      const bool ended = child.ended().has_value();
      if (ended && ended_at == 0) ended_at = monotonic_seconds();
      const bool pipes_open = child.out_fd() >= 0 || child.err_fd() >= 0;
      if (ended && !pipes_open) break;
      if (ended && monotonic_seconds() - ended_at >= pipe_grace) {
        child.signal_group(SIGKILL);
        break;
      }

      std::array<pollfd, 3> fds{
          {{signals_.fd(), POLLIN, 0}, {child.out_fd(), POLLIN, 0}, {child.err_fd(), POLLIN, 0}}};
      const int ready = poll(fds.data(), fds.size(), timeout_ms(ended ? ended_at + pipe_grace : 0));
      if (ready < 0 && errno != EINTR) throw system_error("cannot wait for", "the ranks", errno);
      if (fds[1].revents && !drain(child.out_fd(), [&](std::string_view bytes) { reader.feed(bytes); }))
        child.close_out();
      if (fds[2].revents && !drain(child.err_fd(), [&](std::string_view bytes) { on_noise(bytes); }))
        child.close_err();
      while (const auto number = signals_.next()) on_signal(*number, child);
      // Only when nothing is waiting to be read: we may have been stopped ourselves (Ctrl-Z) for longer than
      // the limit.
      if (ready == 0 && !ended) check_hang(child);
    }
    reader.end();
    return *child.ended();
  }

  /// Reads what is there; false at the end of the stream.
  template <typename Feed>
  static bool drain(int fd, const Feed& feed) {
    std::array<char, 1 << 16> buffer;
    for (;;) {
      const ssize_t got = read(fd, buffer.data(), buffer.size());
      if (got > 0) {
        feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
      } else if (got == 0) {
        return false;
      } else if (errno != EINTR) {
        return errno == EAGAIN;
      }
    }
  }

  /// Until the next moment at which something must be checked without news.
  int timeout_ms(double pipes_until) const {
    double until = attempt_.last_event + options_.hang_limit;
    if (attempt_.silent_since > 0) until = std::min(until, attempt_.silent_since + options_.hang_limit);
    if (attempt_.hung) until = 1e300;
    if (attempt_.kill_at > 0) until = std::min(until, attempt_.kill_at);
    if (pipes_until > 0) until = pipes_until;
    const double left = until - monotonic_seconds();
    return static_cast<int>(std::clamp(left * 1000 + 1, 0.0, 3600e3));
  }

  void on_event(const Json& event) {
    attempt_.any_event = true;
    attempt_.last_event = monotonic_seconds();
    const auto kind = event.value("event", "");
    if (kind == "heartbeat") {
      attempt_.heartbeat = event;
      const bool silent = !event.value("silent", Json::array()).empty();
      if (!silent) attempt_.silent_since = 0;
      if (silent && attempt_.silent_since == 0) attempt_.silent_since = attempt_.last_event;
    } else if (kind == "run_finished") {
      attempt_.run_finished = event;  // shown when the ranks are gone, unless they start again
    } else {
      display_.on_event(event);
    }
  }

  void on_noise(std::string_view text) {
    log(text);
    attempt_.noise.append(text);
    if (attempt_.noise.size() > 2 * noise_kept) attempt_.noise.erase(0, attempt_.noise.size() - noise_kept);
  }

  /// A full disk must not end the ranks that the log is about.
  void log(std::string_view text) {
    if (log_failed_) return;
    try {
      log_.write_all(text);
    } catch (const Error& e) {
      log_failed_ = true;
      display_.on_event(
          {{"event", "note"}, {"level", "warning"}, {"text", str("no more launcher log: ", e.message())}});
    }
  }

  void on_signal(int number, ChildProcess& child) {
    if (number == SIGCHLD) return;
    const bool again = stop_signal_ == SIGINT && number == SIGINT;
    if (stop_signal_ == 0)
      note("info", str(signal_name(number), ": stopping at the next point from which the run can go on"));
    if (stop_signal_ == 0 || number == SIGINT) stop_signal_ = number;
    if (again) {
      end_ranks(child);
    } else {
      // mpirun passes SIGUSR1 on untouched; SIGTERM it would follow by SIGKILL before a checkpoint is
      // written.
      child.signal(SIGUSR1);
    }
  }

  void end_ranks(ChildProcess& child) {
    if (!options_.through_mpirun) return child.signal_group(SIGKILL);
    // mpirun itself may be stopped.
    child.signal(SIGCONT);
    child.signal(SIGTERM);
    if (attempt_.kill_at == 0) attempt_.kill_at = monotonic_seconds() + options_.kill_grace;
  }

  void check_hang(ChildProcess& child) {
    const double now = monotonic_seconds();
    if (attempt_.kill_at > 0 && now >= attempt_.kill_at) {
      child.signal_group(SIGKILL);
      attempt_.kill_at = 0;
      return;
    }
    if (attempt_.hung || attempt_.kill_at > 0) return;
    const bool no_heartbeat = now - attempt_.last_event >= options_.hang_limit;
    const bool silent = attempt_.silent_since > 0 && now - attempt_.silent_since >= options_.hang_limit;
    if (!no_heartbeat && !silent) return;
    attempt_.hung = true;
    attempt_.hung_message = describe_hang(no_heartbeat);
    end_ranks(child);
  }

  std::string describe_hang(bool no_heartbeat) const {
    std::vector<std::string> silent;
    for (const auto& rank :
         attempt_.heartbeat.is_object() ? attempt_.heartbeat.value("silent", Json::array()) : Json::array()) {
      silent.push_back(rank.dump());
    }
    std::string who = silent.empty() ? no_heartbeat ? "rank 0" : "a rank"
                                     : str(silent.size() > 1 ? "ranks " : "rank ", join(silent, ", "));
    std::string where;
    if (attempt_.heartbeat.is_object()) {
      const auto step = attempt_.heartbeat.value("step", ""),
                 collective = attempt_.heartbeat.value("collective", "");
      if (!step.empty()) where += str(" in step \"", step, "\"");
      if (!collective.empty()) where += str(" (", collective, ")");
    }
    return str(who, " gave no sign of life for ", human_seconds(options_.hang_limit), where,
               "; all ranks were ended, the same command goes on from here");
  }

  /// mpirun sends SIGTERM to the ranks that are left when one dies, which some take for an orderly stop.
  bool died_and_stopped_the_others(const ProcessEnd& end) const {
    return end.exit_code == code(ExitStatus::stopped) &&
           attempt_.noise.find("exited on signal") != std::string::npos;
  }

  std::string who_died() const {
    // mpirun says "… process rank 1 with PID 123 on node x exited on signal 9 (Killed)."
    const std::string mark = "process rank ";
    const auto at = attempt_.noise.rfind(mark);
    if (at == std::string::npos) return options_.through_mpirun ? "a rank" : "the rank";
    auto words = split(attempt_.noise.substr(at + mark.size(), 200), ' ');
    std::string who = str("rank ", words[0]);
    for (std::size_t i = 1; i + 1 < words.size(); ++i) {
      if (words[i] == "node") return str(who, " (", words[i + 1], ")");
    }
    return who;
  }

  int finish_with_result(double started, int exit_code) {
    if (attempt_.run_finished.is_object()) {
      display_.on_event(attempt_.run_finished);
      return exit_code;
    }
    if (exit_code == 0) return finish(started, ExitStatus::ok, "");
    const auto lines = important_lines(attempt_.noise);
    std::string message = attempt_.any_event ? "the ranks ended" : "the ranks could not start";
    message += lines.empty() ? str(" with exit code ", exit_code) : str(": ", join(lines, "\n  "));
    if (!attempt_.any_event && lacks_resources(attempt_.noise)) {
      const char* temporary = std::getenv("TMPDIR");
      return finish(
          started, ExitStatus::io,
          str(message, "\n  is there room in the folder for temporary files (",
              temporary ? temporary : "/tmp", "), and do `ulimit -n` and `ulimit -v` leave enough?"));
    }
    // mpirun says 1 for most of what keeps it from starting ranks; for us that is a failed step.
    const bool start_failed =
        !attempt_.any_event && (exit_code == code(ExitStatus::step_failed) || exit_code >= 126);
    return finish(started, start_failed ? ExitStatus::configuration : static_cast<ExitStatus>(exit_code),
                  message);
  }

  int finish(double started, ExitStatus status, const std::string& message) {
    const bool stopped = status == ExitStatus::stopped || status == ExitStatus::interrupted;
    Json event = {{"event", "run_finished"},
                  {"run", options_.run},
                  {"status", status == ExitStatus::ok ? "done"
                             : stopped                ? "stopped"
                                                      : "failed"},
                  {"exit", code(status)},
                  {"seconds", monotonic_seconds() - started}};
    if (!message.empty()) event["message"] = message;
    display_.on_event(event);
    return code(status);
  }

  void note(const char* level, const std::string& text) {
    log(str("rankflow: ", text, "\n"));
    display_.on_event({{"event", "note"}, {"level", level}, {"text", text}});
  }

  static std::string signal_name(int number) {
    const char* name = sigabbrev_np(number);
    return name ? str("SIG", name) : str("signal ", number);
  }

  const SupervisorOptions& options_;
  RunObserver& display_;
  BlockedSignals signals_;
  File log_;
  bool log_failed_ = false;
  Attempt attempt_;
  int stop_signal_ = 0;
};

}  // namespace

int supervise(const SupervisorOptions& options, RunObserver& display) {
  return Supervisor(options, display).run();
}

bool is_crash(const ProcessEnd& end) {
  if (end.signal != 0) return true;
  switch (end.exit_code) {
    case code(ExitStatus::ok):
    case code(ExitStatus::step_failed):
    case code(ExitStatus::usage):
    case code(ExitStatus::bad_data):
    case code(ExitStatus::io):
    case code(ExitStatus::stopped):
    case code(ExitStatus::permission):
    case code(ExitStatus::configuration):
    case code(ExitStatus::interrupted):
    case 126:  // found, but cannot be executed
    case 127:  // not found, or a shared library is missing
      return false;
    default:
      return true;
  }
}

std::string describe(const ProcessEnd& end) {
  const int number = end.signal                                        ? end.signal
                     : end.exit_code > 128 && end.exit_code < 128 + 65 ? end.exit_code - 128
                                                                       : 0;
  if (number == 0) return str("exit code ", end.exit_code);
  const char* text = sigdescr_np(number);
  return str("signal ", number, text ? str(", ", text) : "");
}

}  // namespace rankflow
