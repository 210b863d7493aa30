#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

namespace rankflow::log {
namespace {

// The one piece of process-wide state in the project: messages come from every depth of every thread.
struct Sink {
  int fd = STDERR_FILENO;
  std::string who;
  Level threshold = Level::warning;
};
Sink& sink() {
  static Sink s;
  return s;
}

const char* name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "?";
}

}  // namespace

void configure(const std::string& path, const std::string& who, Level threshold) {
  Sink& s = sink();
  if (!path.empty()) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0664);
    if (fd < 0) throw system_error("cannot open the log", path, errno);
    if (s.fd != STDERR_FILENO) close(s.fd);
    s.fd = fd;
  }
  s.who = who;
  s.threshold = threshold;
}

void write(Level level, std::string_view message) {
  const Sink& s = sink();
  if (level < s.threshold) return;
  const std::string line = s.fd == STDERR_FILENO
                               ? str("rankflow: ", name(level), ": ", message, "\n")
                               : str(utc_now(), " ", name(level), " ", s.who, ": ", message, "\n");
  // A full disk must not stop the work that the line is about.
  [[maybe_unused]] auto written = ::write(s.fd, line.data(), line.size());
}

}  // namespace rankflow::log
