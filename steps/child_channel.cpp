#include "steps/child_channel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "runtime/step.h"
#include "runtime/step_failure.h"

namespace rankflow {
namespace {

constexpr double seconds_to_connect = 120;
/// For a program that closes its socket to end by itself: only then its exit code is its own.
constexpr std::chrono::seconds to_end{5};

/// Short: a socket's path may have 107 characters.
std::string private_folder() {
  const char* wanted = std::getenv("TMPDIR");
  for (const std::string& parent : {std::string(wanted ? wanted : "/tmp"), std::string("/tmp")}) {
    std::string path = parent + "/rankflow-XXXXXX";
    if (path.size() < 80 && mkdtemp(path.data())) return path;
  }
  throw system_error("cannot make a folder in", "/tmp", errno);
}

int listen_at(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1) != 0) {
    const int error = errno;
    if (fd >= 0) close(fd);
    throw system_error("cannot make the socket", path, error);
  }
  return fd;
}

}  // namespace

ChildChannel::ChildChannel(Spawner& spawner, SpawnRequest request, std::string name,
                           std::function<bool()> stop)
    : log_(request.output), name_(std::move(name)), stop_(std::move(stop)), folder_(private_folder()) {
  try {
    const std::string path = folder_ + "/socket";
    listening_ = listen_at(path);
    request.argv.push_back(path);
    runner_ = std::thread([this, &spawner, request = std::move(request)] {
      try {
        result_ = spawner.run(request, [this]() -> std::optional<double> {
          const double grace = grace_;
          return grace < 0 ? std::nullopt : std::optional(grace);
        });
      } catch (...) {
        thrown_ = std::current_exception();
      }
      tell_ended_.set_value();
    });
    connect();
  } catch (...) {
    end();
    throw;
  }
}

ChildChannel::~ChildChannel() {
  end();
}

void ChildChannel::end() {
  if (socket_ >= 0) close(socket_);
  if (listening_ >= 0) close(listening_);
  grace_ = usable_ ? 2 : 0;
  if (runner_.joinable()) runner_.join();
  std::error_code ignored;  // a temporary folder that stays harms nobody
  std::filesystem::remove_all(folder_, ignored);
}

void ChildChannel::connect() {
  until_ = monotonic_seconds() + seconds_to_connect;
  seconds_ = seconds_to_connect;
  wait_for(listening_, POLLIN);
  socket_ = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket_ < 0) throw system_error("cannot connect to", name_, errno);
  usable_ = true;
}

/// Ten times a second it looks whether the program still lives and whether this rank shall stop.
void ChildChannel::wait_for(int fd, short events) {
  for (;;) {
    pollfd wanted{fd, events, 0};
    const int n = poll(&wanted, 1, 100);
    if (n > 0) return;
    if (n < 0 && errno != EINTR) throw system_error("cannot wait for", name_, errno);
    if (ended_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) fail();
    if (stop_()) {
      usable_ = false;
      throw Stopped();
    }
    if (until_ && monotonic_seconds() > *until_) {
      usable_ = false;
      throw Error(ExitStatus::step_failed,
                  str(name_, " took longer than ", human_seconds(*seconds_), " and was ended"),
                  "retry_settings: {timeout: SECONDS}");
    }
  }
}

/// The other side of the socket is closed, or soon will be: says how the program ended.
void ChildChannel::fail() {
  usable_ = false;
  if (ended_.wait_for(to_end) != std::future_status::ready) grace_ = 2;
  ended_.wait();
  if (thrown_) std::rethrow_exception(thrown_);
  if (ended_by_stop(result_, stop_)) throw Stopped();
  const std::string tail = last_lines(log_, 5);
  const Error error(ExitStatus::step_failed,
                    str(name_, " ", ending(result_, memory_),
                        tail.empty() ? "" : str("; its last output:\n    ", tail, "\n ")));
  if (!answered_ && !result_.signal) throw StepFailure(error);
  throw error;
}

void ChildChannel::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (n < 0 && errno == EAGAIN)
      wait_for(socket_, POLLOUT);
    else if (n < 0 && errno != EINTR)
      fail();
  }
}

void ChildChannel::receive(void* data, std::size_t bytes) {
  auto* to = static_cast<char*>(data);
  while (bytes > 0) {
    const auto n = recv(socket_, to, bytes, 0);
    if (n > 0) {
      to += n, bytes -= static_cast<std::size_t>(n);
      continue;
    }
    if (n < 0 && errno == EAGAIN)
      wait_for(socket_, POLLIN);
    else if (n == 0 || errno != EINTR)
      fail();
  }
}

ChildMessage ChildChannel::ask(const Json& head, std::string_view payload, double seconds) {
  if (!usable_) throw Error(ExitStatus::internal, str(name_, " was asked after its end"));
  until_ = seconds > 0 ? std::optional(monotonic_seconds() + seconds) : std::nullopt;
  seconds_ = seconds;
  send_message([this](std::string_view bytes) { send(bytes); }, head, payload);
  ChildMessage answer =
      receive_message([this](void* data, std::size_t bytes) { receive(data, bytes); }, name_);
  answered_ = true;
  return answer;
}

}  // namespace rankflow
