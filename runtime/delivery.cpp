#include "runtime/delivery.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "io/copy_artifact.h"
#include "io/file.h"
#include "io/json.h"
#include "io/published_mark.h"
#include "runtime/abandoned.h"

namespace rankflow {
namespace {

constexpr const char* kAside = ".tmp";

/// "TARGET.0123456789abcdef.RUN.tmp": the name alone says whose it is, from its first moment.
std::string aside_path(const std::string& target, const std::string& run) {
  return str(target, ".", unique_suffix(), ".", run, kAside);
}

/// Digest of the artifact that a target says it holds; "" where it says nothing.
std::string held(const std::string& target) {
  const auto mark = try_read_json(str(target, "/", published_mark));
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
  Aside(const std::string& target, const std::string& run) : path_(aside_path(target, run)) {
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
void exchange(const std::string& aside, const std::string& target, const std::string& run) {
  if (renameat2(AT_FDCWD, aside.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) return;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
    throw system_error(str("cannot move ", aside, " to"), target, errno);
  const std::string former = aside_path(target, run);
  if (std::rename(target.c_str(), former.c_str()) != 0) throw system_error("cannot move away", target, errno);
  if (std::rename(aside.c_str(), target.c_str()) != 0)
    throw system_error(str("cannot move ", aside, " to"), target, errno);
  if (std::rename(former.c_str(), aside.c_str()) != 0) throw system_error("cannot move", former, errno);
}

/// Removes what killed runs left beside the target. What can't be removed is in nobody's way.
void remove_left_over(const StoreLayout& store, const Delivery& delivery) {
  const std::string& target = delivery.path;
  const std::string name = target.substr(target.rfind('/') + 1);
  std::vector<std::string> found;
  std::error_code problem;
  for (std::filesystem::directory_iterator at(parent_of(target), problem), end; !problem && at != end;
       at.increment(problem)) {
    std::error_code unknown;
    if (at->is_directory(unknown) && !at->is_symlink(unknown) &&
        is_left_over(at->path().filename().string(), name, store, delivery.run))
      found.push_back(at->path().string());
  }
  for (const std::string& path : found) {
    try {
      remove_tree(path);
    } catch (const Error& e) {
      log::warning(str("left by a killed run: ", e.message()));
    }
  }
}

}  // namespace

Json to_json(const Delivery& d) {
  return {{"step", d.step},
          {"output", d.output},
          {"reference", d.reference},
          {"path", d.path},
          {"digest", d.digest},
          {"run", d.run},
          {"location", d.is_object_store() ? to_json(d.location) : Json()}};
}

Delivery delivery_from_json(const Json& json) {
  Delivery d{json.at("step"),
             json.at("output"),
             json.at("reference"),
             json.at("path"),
             json.at("digest"),
             json.at("run"),
             {}};
  if (const Json& location = json.at("location"); !location.is_null())
    d.location = location_from_json(location);
  return d;
}

bool is_left_over(const std::string& name, const std::string& target, const StoreLayout& store,
                  const std::string& run) {
  constexpr std::size_t random = 16;
  const std::size_t begin = target.size() + 1 + random + 1, end = std::string_view(kAside).size();
  if (name.size() <= begin + end || !name.starts_with(target + ".") || !name.ends_with(kAside)) return false;
  const std::string digits = name.substr(target.size() + 1, random);
  if (digits.find_first_not_of("0123456789abcdef") != std::string::npos || name[begin - 1] != '.')
    return false;
  const std::string by = name.substr(begin, name.size() - begin - end);
  return by == run || is_over(store, by);
}

bool deliver_to_folder(const StoreLayout& store, const Delivery& delivery) {
  const std::string& target = delivery.path;
  remove_left_over(store, delivery);
  const bool there = exists(target);
  const std::string holds = there ? held(target) : "";
  if (there && holds.empty()) {
    throw Error(ExitStatus::configuration,
                str(target, " is there already, and not something that rankflow published"),
                "another path in publish_to, or remove it");
  }
  if (holds == delivery.digest && is_whole(store, delivery)) return false;
  make_directories(parent_of(target));
  Aside aside(target, delivery.run);
  copy_artifact(store, delivery.digest, aside.path(), true);
  const Json mark = {{"artifact", delivery.digest}, {"output", delivery.output}, {"published", utc_now()}};
  write_file_atomically(str(aside.path(), "/", published_mark), mark.dump(1) + "\n");
  if (there) {
    exchange(aside.path(), target, delivery.run);
  } else if (std::rename(aside.path().c_str(), target.c_str()) == 0) {
    aside.release();
  } else {
    throw system_error(str("cannot move ", aside.path(), " to"), target, errno);
  }
  sync_directory(parent_of(target));
  return true;
}

void Deliveries::start(Delivery delivery) {
  const Deliver to = delivery.is_object_store() ? to_objects_ : Deliver(deliver_to_folder);
  auto copied =
      std::async(std::launch::async, [to, store = store_, delivery] { return to(store, delivery); });
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
