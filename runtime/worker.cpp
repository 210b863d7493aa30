#include "runtime/worker.h"

#include <chrono>
#include <thread>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "io/json_text.h"
#include "runtime/watchdog.h"

namespace rankflow {
namespace {

// How long a rank without work waits before it brings small outputs to disk.
constexpr std::chrono::milliseconds sync_idle{50};

}  // namespace

Worker::Worker(RankResources resources) : resources_(resources), executor_(resources) {}

void Worker::run() {
  std::thread control([&] {
    try {
      control_loop();
    } catch (const std::exception& e) {
      // Without the coordinator this rank can do nothing useful, and the main thread may be inside a step.
      log::error(str("lost the coordinator: ", e.what()));
      resources_.world.abort(code(ExitStatus::internal));
    }
  });
  Task task;
  while (next(task)) {
    if (task.commit) {
      executor_.commit(task.id);
    } else {
      executor_.run(task.order, cancel_flag(task.id));
    }
    std::lock_guard lock(mutex_);
    current_step_.clear();
    cancelled_.erase(task.id);
  }
  control.join();
  Json report = {{"kind", "timeline"},
                 {"rank", resources_.world.rank()},
                 {"dropped", resources_.timeline.dropped()},
                 {"events", resources_.timeline.events_json(resources_.world.rank())}};
  resources_.world.send_to_coordinator(json_text(report));
}

bool Worker::next(Task& task) {
  std::unique_lock lock(mutex_);
  const auto something = [&] { return quit_ || !tasks_.empty(); };
  // Small steps leave their outputs to be synced together: at the latest after a second, or when nothing
  // comes.
  while (!something() || sync_is_due()) {
    if (executor_.unsynced_since() == 0) {
      changed_.wait(lock, something);
    } else if (sync_is_due() || !changed_.wait_for(lock, sync_idle, something)) {
      lock.unlock();
      executor_.sync();
      lock.lock();
    }
  }
  if (tasks_.empty()) return false;
  task = std::move(tasks_.front());
  tasks_.pop_front();
  if (!task.commit) current_step_ = task.order.step;
  return true;
}

bool Worker::sync_is_due() const {
  const double since = executor_.unsynced_since();
  return since > 0 && (quit_ || monotonic_seconds() - since > 1);
}

StopFlag& Worker::cancel_flag(int id) {
  std::lock_guard lock(mutex_);
  return cancelled_[id];  // std::map: stays where it is
}

void Worker::control_loop() {
  Backoff backoff;
  for (;;) {
    if (auto message = resources_.world.poll_worker()) {
      backoff.reset();
      handle(message->text);
      std::lock_guard lock(mutex_);
      if (quit_) return;
    } else {
      heartbeat();
      pass_on_stop();
      backoff.wait();
    }
  }
}

void Worker::handle(const std::string& text) {
  const Json message = Json::parse(text);
  const std::string kind = message.at("kind");
  std::lock_guard lock(mutex_);
  if (kind == "assign") {
    Task task{false, message.at("id"), work_order_from_json(message)};
    cancelled_.try_emplace(task.id);
    tasks_.push_back(std::move(task));
  } else if (kind == "commit") {
    tasks_.push_back({true, message.at("id"), {}});
  } else if (kind == "cancel") {
    if (auto it = cancelled_.find(message.at("id").get<int>()); it != cancelled_.end()) it->second.request();
  } else if (kind == "recall") {
    recall(message.at("id"));
  } else if (kind == "stop") {
    resources_.stop.request();
    stop_told_ = true;
  } else if (kind == "quit") {
    quit_ = true;
  } else {
    throw Error(ExitStatus::internal, str("unknown message \"", kind, "\" from the coordinator"));
  }
  changed_.notify_one();
}

// Gives an order back that has not begun; one that has will report as usual.
void Worker::recall(int id) {
  const auto waits = [&](const Task& t) { return !t.commit && t.id == id; };
  if (std::erase_if(tasks_, waits) == 0) return;
  cancelled_.erase(id);
  resources_.world.send_to_coordinator(Json{{"kind", "recalled"}, {"id", id}}.dump());
}

// A signal that reached only this rank, or this rank first, stops the run.
void Worker::pass_on_stop() {
  if (stop_told_ || !resources_.stop.requested()) return;
  stop_told_ = true;
  resources_.world.send_to_coordinator(Json{{"kind", "stop"}}.dump());
}

void Worker::heartbeat() {
  const double now = monotonic_seconds();
  if (now - last_heartbeat_ < 1) return;
  last_heartbeat_ = now;
  Json message = {{"kind", "heartbeat"}, {"rank", resources_.world.rank()}, {"calls", Json::array()}};
  for (const CallStatus& status : executor_.calls().now()) message["calls"].push_back(to_json(status));
  if (const double silent = resources_.spawner.silent(); silent > 0) message["helper_silent"] = silent;
  {
    std::lock_guard lock(mutex_);
    message["step"] = current_step_;
  }
  resources_.world.send_to_coordinator(json_text(message));
}

}  // namespace rankflow
