#include "launchers/stop_signals.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/log.h"
#include "base/text.h"

namespace rankflow {

StopSignals::StopSignals(StopFlag& stop) : stop_(stop) {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&set, s);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  quit_ = eventfd(0, EFD_CLOEXEC);
  if (signals_ < 0 || quit_ < 0) throw system_error("cannot watch", "signals", errno);
  watcher_ = std::thread([this] { watch(); });
}

StopSignals::~StopSignals() {
  const std::uint64_t one = 1;
  [[maybe_unused]] auto n = write(quit_, &one, sizeof one);
  watcher_.join();
  close(signals_);
  close(quit_);
}

void StopSignals::watch() {
  for (;;) {
    pollfd fds[] = {{signals_, POLLIN, 0}, {quit_, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) return;
    if (fds[1].revents) return;
    signalfd_siginfo info;
    if (!fds[0].revents || read(signals_, &info, sizeof info) != sizeof info) continue;
    log::info(str("signal ", info.ssi_signo, " (", strsignal(static_cast<int>(info.ssi_signo)),
                  "): stopping at the next safe point"));
    stop_.request();
  }
}

}  // namespace rankflow
