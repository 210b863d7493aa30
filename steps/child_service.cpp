#include "steps/child_service.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "runtime/messages.h"
#include "runtime/step_failure.h"

namespace rankflow {
namespace {

/// The process's end of the socket.
class RankSocket {
 public:
  explicit RankSocket(const std::string& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
      throw Error(ExitStatus::internal, str("a socket's path is too long: ", path));
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    if (socket_ >= 0 && connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
    const int error = errno;
    if (socket_ >= 0) close(socket_);
    throw system_error("cannot connect to", path, error);
  }
  ~RankSocket() { close(socket_); }
  RankSocket(const RankSocket&) = delete;
  RankSocket& operator=(const RankSocket&) = delete;

  /// Nothing where the rank has closed it.
  std::optional<ChildMessage> receive() {
    bool closed = false;
    try {
      return receive_message(
          [&](void* data, std::size_t bytes) {
            closed = !fill(static_cast<char*>(data), bytes);
            if (closed) throw Error(ExitStatus::step_failed, "the rank has closed its socket");
          },
          "the rank");
    } catch (const Error&) {
      if (closed) return std::nullopt;
      throw;
    }
  }

  void send(const ChildMessage& message) {
    send_message(
        [this](std::string_view bytes) {
          while (!bytes.empty()) {
            const auto n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (n < 0 && errno != EINTR) throw system_error("cannot write to", "the rank's socket", errno);
            if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
          }
        },
        message.head, message.payload);
  }

 private:
  bool fill(char* data, std::size_t bytes) {
    while (bytes > 0) {
      const auto n = recv(socket_, data, bytes, 0);
      if (n == 0 || (n < 0 && errno != EINTR)) return false;
      if (n > 0) data += n, bytes -= static_cast<std::size_t>(n);
    }
    return true;
  }

  int socket_;
};

std::unique_ptr<ChildService> make_service(const Json& start) {
  const std::string kind = start.at("kind");
  if (kind == "model") return make_model_service(start);
  if (kind == "library") return make_library_service(start);
  throw Error(ExitStatus::internal, str("no process of a rank is a ", kind));
}

/// `of_step`: whatever the question, the answer would be the same.
ChildMessage failed(const std::exception& e, bool of_step) {
  return {{{"kind", "failed"}, {"error", to_json(as_error(e))}, {"of_step", of_step}}, {}};
}

ChildMessage answer(std::unique_ptr<ChildService>& service, const ChildMessage& question) {
  const bool starts = !service;
  try {
    if (!starts) return service->answer(question);
    service = make_service(question.head);
    return {{{"kind", "ready"}, {"about", service->about()}}, {}};
  } catch (const StepFailure& e) {
    return failed(e, true);
  } catch (const std::exception& e) {
    return failed(e, starts);
  }
}

}  // namespace

int serve_rank(const std::string& path) {
  RankSocket socket(path);
  std::unique_ptr<ChildService> service;
  while (const auto message = socket.receive()) {
    socket.send(answer(service, *message));
  }
  return code(ExitStatus::ok);
}

ServiceProcess::ServiceProcess(StepContext& context, std::string name, Json start)
    : context_(context), name_(std::move(name)), start_(std::move(start)) {}

const Json& ServiceProcess::about() {
  if (process_) return about_;
  SpawnRequest request;
  request.argv = {std::filesystem::read_symlink("/proc/self/exe").string(), serve_word};
  request.folder = context_.folder;
  request.output = str(context_.log_folder, "/rank-", context_.comm.rank(), ".log");
  request.environment = environment_list(environment_of_one_core());
  process_ = std::make_unique<ChildChannel>(*context_.spawner, std::move(request), name_,
                                            [this] { return context_.stop.requested(); });
  try {
    about_ = checked(start_, {}, 0).head.at("about");
  } catch (...) {
    process_.reset();
    throw;
  }
  return about_;
}

ChildMessage ServiceProcess::ask(const Json& head, std::string_view payload, double seconds) {
  about();
  return checked(head, payload, seconds);
}

ChildMessage ServiceProcess::checked(const Json& head, std::string_view payload, double seconds) {
  ChildMessage answer;
  try {
    answer = process_->ask(head, payload, seconds);
  } catch (...) {
    process_.reset();  // the next question gets a new one
    throw;
  }
  if (answer.head.at("kind") != "failed") return answer;
  const Error error = error_from_json(answer.head.at("error"));
  if (answer.head.at("of_step")) throw StepFailure(error);
  throw error;
}

}  // namespace rankflow
