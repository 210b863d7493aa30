#include "runtime/delivery.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdio>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "io/copy_artifact.h"
#include "io/file.h"
#include "io/json.h"

namespace rankflow {
namespace {

constexpr const char* kMark = ".rankflow-published.json";

/// Digest of the artifact that a target says it holds; "" where it says nothing.
std::string held(const std::string& target) {
  const auto mark = try_read_json(str(target, "/", kMark));
  return mark && mark->is_object() ? mark->value("artifact", "") : "";
}

/// Whether every file of the artifact is there with its size: that the target says so does not make it whole.
bool is_whole(const StoreLayout& store, const Delivery& delivery) {
  for (const auto& file : manifest_of(store, delivery.digest).files) {
    FileStamp stamp;
    if (!stamp_of(str(delivery.path, "/", file.path), stamp) || stamp.size != file.bytes) return false;
  }
  return true;
}

/// A folder beside the target, removed unless it took the target's place.
class Aside {
 public:
  explicit Aside(const std::string& target) : path_(str(target, ".", unique_suffix(), ".tmp")) {
    make_directories(path_);
  }
  ~Aside() {
    if (path_.empty()) return;
    try {
      remove_tree(path_);
    } catch (const Error& e) {
      log::warning(str("a temporary stays behind: ", e.message()));
    }
  }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;
  const std::string& path() const { return path_; }
  void release() { path_.clear(); }

 private:
  std::string path_;
};

/// What was at the target lies at `aside` afterwards. In one step where the file system can exchange two folders.
void exchange(const std::string& aside, const std::string& target) {
  if (renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
    throw system_error(str("cannot move ", aside, " to"), target, errno);
  const std::string former = str(target, ".", unique_suffix(), ".tmp");
  if (std::rename(target.c_str(), former.c_str()) != 0) throw system_error("cannot move away", target, errno);
  if (std::rename(aside.c_str(), target.c_str()) != 0)
    throw system_error(str("cannot move ", aside, " to"), target, errno);
  if (std::rename(former.c_str(), aside.c_str()) != 0) throw system_error("cannot move", former, errno);
}

}  // namespace

bool deliver(const StoreLayout& store, const Delivery& delivery) {
  const std::string& target = delivery.path;
  const bool there = exists(target);
  const std::string holds = there ? held(target) : "";
  if (there && holds.empty()) {
    throw Error(ExitStatus::configuration,
                str(target, " is there already, and not something that rankflow published"),
                "another path in publish_to, or remove it");
  }
  if (holds == delivery.digest && is_whole(store, delivery)) return false;
  make_directories(parent_of(target));
  Aside aside(target);
  copy_artifact(store, delivery.digest, aside.path(), true);
  const Json mark = {{"artifact", delivery.digest}, {"output", delivery.output}, {"published", utc_now()}};
  write_file_atomically(str(aside.path(), "/", kMark), mark.dump(1) + "\n");
  if (there) {
    exchange(aside.path(), target);
  } else if (std::rename(aside.path().c_str(), target.c_str()) == 0) {
    aside.release();
  } else {
    throw system_error(str("cannot move ", aside.path(), " to"), target, errno);
  }
  sync_directory(parent_of(target));
  return true;
}

void Deliveries::start(Delivery delivery) {
  auto copied =
      std::async(std::launch::async, [store = store_, delivery] { return deliver(store, delivery); });
  running_.push_back({std::move(delivery), std::move(copied)});
}

std::vector<Deliveries::Done> Deliveries::collect(bool wait) {
  std::vector<Done> done;
  std::vector<Running> left;
  for (Running& running : running_) {
    if (!wait && running.copied.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      left.push_back(std::move(running));
      continue;
    }
    Done& ended = done.emplace_back(Done{std::move(running.delivery), false, nullptr});
    try {
      ended.copied = running.copied.get();
    } catch (...) {
      ended.error = std::current_exception();
    }
  }
  running_ = std::move(left);
  return done;
}

}  // namespace rankflow
