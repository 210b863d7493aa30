#include "runtime/coordinator.h"

#include <fcntl.h>

#include <algorithm>
#include <exception>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "io/file.h"
#include "io/json_text.h"
#include "runtime/bind.h"
#include "runtime/schedule.h"

namespace rankflow {
namespace {

// One-rank orders that a busy rank holds beyond the one it works on, so that it need not wait for an answer
// between tiny steps.
constexpr int queue_depth = 8;
// A rank whose last order took less than this gets more queued; what waits longer than this behind a running
// order is recalled once another rank is free.
constexpr double short_seconds = 0.2;

}  // namespace

Coordinator::Coordinator(World& world, Store& store, Planner& planner, RunRecord& record,
                         RunObserver& observer, StopFlag& stop, CoordinatorSettings settings)
    : world_(world),
      store_(store),
      planner_(planner),
      record_(record),
      observer_(observer),
      stop_(stop),
      settings_(settings),
      state_(planner, record, observer, world.hosts(), settings.to_objects),
      ranks_(static_cast<std::size_t>(world.size())),
      priorities_(critical_lengths(planner.pipeline())),
      fetches_(planner.pipeline()),
      watchdog_(world.hosts(), settings.hang_limit, monotonic_seconds()),
      timelines_(ranks_.size()) {}

ExitStatus Coordinator::run() {
  state_.begin(settings_.attempt);
  Backoff backoff;
  while (!state_.finished()) {
    react_to_stop();
    dispatch();
    state_.note_deliveries();
    bool heard = false;
    while (auto message = world_.poll_coordinator()) {
      heard = true;
      handle(*message);
    }
    check_deadlines();
    check_heartbeats();
    heard ? backoff.reset() : backoff.wait();
  }
  for (int r = 0; r < world_.size(); ++r) send(r, {{"kind", "quit"}});
  finish_timeline();
  return state_.end(stop_.requested(), "");
}

void Coordinator::react_to_stop() {
  if (!stop_.requested() || stop_told_) return;
  stop_told_ = true;
  for (int r = 0; r < world_.size(); ++r) send(r, {{"kind", "stop"}});
  give_up(RunState::Status::stopped, "the run was stopped before this step began");
}

void Coordinator::dispatch() {
  if (given_up_) return;
  std::vector<ReadyStep> ready;
  for (std::size_t step : state_.ready()) {
    if (fetches_.must_wait(step)) continue;
    ready.push_back({step, resolve_ranks(planner_.pipeline().steps[step], world_.size()), priorities_[step]});
  }
  if (ready.empty()) return recall_queued();
  std::vector<RankState> world;
  const double now = monotonic_seconds();
  for (int r = 0; r < world_.size(); ++r) {
    const Rank& rank = ranks_[static_cast<std::size_t>(r)];
    const bool hasty = rank.last_seconds < short_seconds && now - rank.since < short_seconds;
    world.push_back(
        {world_.nodes()[static_cast<std::size_t>(r)], static_cast<int>(rank.orders.size()), hasty});
  }
  for (const auto& a : assign(std::move(ready), std::move(world), settings_.fail_fast ? 0 : queue_depth)) {
    if (!fetches_.must_wait(a.step)) start(a.step, a.ranks);
  }
}

// Nothing is ready, but a rank is free while orders wait behind a long one: take them back.
void Coordinator::recall_queued() {
  const bool any_free =
      std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.orders.empty(); });
  if (!any_free) return;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    if (monotonic_seconds() - ranks_[r].since >= short_seconds) recall_from(r);
  }
}

void Coordinator::recall_from(std::size_t rank) {
  const auto& orders = ranks_[rank].orders;
  for (std::size_t i = 1; i < orders.size(); ++i) {
    Running& waiting = running_.at(orders[i]);
    if (waiting.recalled) continue;
    waiting.recalled = true;
    send(static_cast<int>(rank), {{"kind", "recall"}, {"id", waiting.order.id}});
  }
}

void Coordinator::on_recalled(int id) {
  const std::size_t step = running_.at(id).step;
  release(id);
  state_.put_back(step);
  if (given_up_) state_.give_up_waiting(given_up_->status, given_up_->why);
}

// Nothing more starts; what waits on a rank comes back.
void Coordinator::give_up(RunState::Status status, const std::string& why) {
  if (given_up_) return;
  given_up_ = {status, why};
  for (std::size_t r = 0; r < ranks_.size(); ++r) recall_from(r);
  state_.give_up_waiting(status, why);
}

void Coordinator::start(std::size_t step, const std::vector<int>& ranks) {
  const PipelineStep& s = planner_.pipeline().steps[step];
  Running running;
  running.step = step;
  std::map<std::string, std::string> staging;
  try {
    for (const auto& output : s.outputs) {
      running.staging.push_back(store_.stage(record_.id()));
      staging[output] = running.staging.back().path();
    }
    running.order = make_work_order(planner_, step, store_.layout(), record_.layout(), staging);
    make_directories(running.order.log_folder);
  } catch (const Error& e) {
    state_.failed(step, e, -1);
    return;
  }
  WorkOrder& order = running.order;
  order.id = next_id_++;
  order.ranks = ranks;
  order.attempt = settings_.attempt;
  order.producer = {{"run", record_.id()}, {"pipeline", planner_.pipeline().name}, {"step", s.name},
                    {"type", s.type},      {"fingerprint", order.fingerprint},     {"made", utc_now()}};
  running.waiting_for.insert(ranks.begin(), ranks.end());
  fetches_.started(step, order.id);
  state_.started(step, ranks, settings_.attempt);
  for (int r : ranks) {
    Rank& rank = ranks_[static_cast<std::size_t>(r)];
    if (rank.orders.empty()) rank.since = monotonic_seconds();
    rank.orders.push_back(order.id);
    send(r, to_json(order));
  }
  running_.emplace(order.id, std::move(running));
}

void Coordinator::handle(const Message& incoming) {
  const Json message = Json::parse(incoming.text);
  const std::string kind = message.at("kind");
  const double now = monotonic_seconds();
  watchdog_.heard(incoming.source, now);
  if (kind == "heartbeat") return watchdog_.heartbeat(incoming.source, message, now);
  if (kind == "stop") return stop_.request();
  if (kind == "sync_failed") {
    state_.not_durable(error_from_json(message.at("error")), message.at("rank"));
    return;
  }
  if (kind == "timeline") {
    timelines_[static_cast<std::size_t>(incoming.source)] = message.at("events");
    return;
  }
  const auto it = running_.find(message.at("id"));
  if (it == running_.end()) return;  // progress of a step that has failed meanwhile
  if (kind == "fetched") {
    fetches_.fetched(message.at("id"));
  } else if (kind == "finished") {
    on_finished(message);
  } else if (kind == "helper_gone") {
    // Under a supervisor the job starts again; without one it has to be started again.
    abort_job(str("the helper process that starts programs for rank ", incoming.source, " (",
                  world_.hosts()[static_cast<std::size_t>(incoming.source)], ") has ended, or does nothing"),
              settings_.supervised ? ExitStatus::internal : ExitStatus::stopped);
  } else if (kind == "published") {
    on_published(message);
  } else if (kind == "recalled") {
    on_recalled(message.at("id"));
  } else if (kind == "progress") {
    on_progress(it->second, message);
  } else if (kind == "metric") {
    append_metric({{"step", it->second.order.step},
                   {"name", message["name"]},
                   {"value", message["value"]},
                   {"at", message["at"]},
                   {"time", utc_now()}});
  } else if (kind == "note") {
    state_.note(str("step ", it->second.order.step, ": ", message.at("text").get<std::string>()), "info");
  }
}

void Coordinator::on_progress(const Running& running, Json message) {
  const double seconds = message.value("seconds", 0.0), done = message.value("done", 0.0);
  message.erase("kind");
  message.erase("id");
  message["event"] = "step_progress";
  message["step"] = running.order.step;
  message["rate"] = seconds > 0 ? done / seconds : 0.0;
  observer_.on_event(message);
}

void Coordinator::on_finished(const Json& message) {
  const int id = message.at("id");
  Running& running = running_.at(id);
  running.waiting_for.erase(message.at("rank").get<int>());
  if (message.at("ok") == false) begin_failing(running, message);
  if (!running.waiting_for.empty()) return;
  if (running.failing) {
    conclude_failure(id);
  } else {
    commit(running);
  }
}

void Coordinator::commit(Running& running) {
  running.committed = true;
  for (int r : running.order.ranks) send(r, {{"kind", "commit"}, {"id", running.order.id}});
  // The others are free at once; the first rank when it has published.
  for (int r : running.order.ranks) {
    if (r != running.order.ranks.front()) free_rank(r, running.order.id);
  }
}

void Coordinator::on_published(const Json& message) {
  const int id = message.at("id");
  Running& running = running_.at(id);
  for (auto& staging : running.staging) staging.release();
  const std::size_t step = running.step;
  if (message.at("ok") == false) {
    const Error error = error_from_json(message.at("error"));
    const int rank = message.at("rank");
    release(id);
    state_.failed(step, error, rank);
    return;
  }
  const std::map<std::string, std::string> outputs = message.at("outputs");
  if (message.contains("former")) note_other_bytes(running.order, message.at("former"));
  release(id);
  state_.done(step, outputs, message.at("results"), message.at("seconds"));
  if (const double now = monotonic_seconds(); now - last_save_ > 2) {
    last_save_ = now;
    state_.save(false);
  }
}

/// The same fingerprint gave other bytes before.
void Coordinator::note_other_bytes(const WorkOrder& order, const Json& former) {
  const int ranks = static_cast<int>(order.ranks.size()), before = former.at("ranks");
  // A step with this key promises the same bytes on other numbers of ranks only where it is set.
  if (ranks != before && order.parameters.value("deterministic", true) == false) return;
  const auto on = [](int n) { return str(n, n == 1 ? " rank" : " ranks"); };
  state_.note(str("step ", order.step, " is not deterministic: run ", former.at("run").get<std::string>(),
                  ranks == before ? "" : str(" on ", on(before)),
                  " got other bytes from the same code, parameters and inputs",
                  ranks == before ? "" : str(", and this one ran on ", on(ranks))),
              "warning");
}

void Coordinator::begin_failing(Running& running, const Json& message) {
  const Error error = error_from_json(message.at("error"));
  if (error.status() == ExitStatus::stopped) {
    running.stopped = true;
    stop_.request();  // the rank's own message may come later
  }
  // The rank that failed by itself explains more than those that only heard of it.
  if (!message.value("peer", false) && !running.error) {
    running.error = error;
    running.failed_rank = message.at("rank");
  }
  if (running.failing) return;
  running.failing = true;
  running.abort_at = monotonic_seconds() + settings_.cancel_grace;
  for (int r : running.waiting_for) send(r, {{"kind", "cancel"}, {"id", running.order.id}});
}

void Coordinator::conclude_failure(int id) {
  Running& running = running_.at(id);
  const std::size_t step = running.step;
  const Error error = running.error.value_or(Error(ExitStatus::internal, "all ranks blame another"));
  const int rank = running.failed_rank;
  const bool stopped = running.stopped;
  release(id);
  if (stopped) {
    state_.stopped(step);
    return;
  }
  state_.failed(step, error, rank);
  if (settings_.fail_fast) give_up(RunState::Status::skipped, "another step failed (--fail-fast)");
}

// The group is free again, and what was not published is removed.
void Coordinator::release(int id) {
  const Running& running = running_.at(id);
  for (int r : running.order.ranks) free_rank(r, id);
  fetches_.ended(id);
  running_.erase(id);
}

void Coordinator::free_rank(int r, int id) {
  Rank& rank = ranks_[static_cast<std::size_t>(r)];
  if (std::erase(rank.orders, id) == 0) return;  // freed when the group committed
  const double now = monotonic_seconds();
  rank.last_seconds = now - rank.since;
  rank.since = now;
}

void Coordinator::check_deadlines() {
  for (auto& [id, running] : running_) {
    if (!running.failing || running.committed || monotonic_seconds() < running.abort_at) continue;
    std::vector<std::string> stuck;
    for (int r : running.waiting_for) stuck.push_back(std::to_string(r));
    const std::size_t step = running.step;
    const Error error = running.error.value_or(Error(ExitStatus::internal, "a rank left the step early"));
    const int rank = running.failed_rank;
    const bool was_stopped = running.stopped;
    const std::string name = running.order.step;
    if (was_stopped) {
      state_.stopped(step);
    } else {
      state_.failed(step, error, rank);
    }
    running.staging.clear();
    abort_job(
        str("ranks ", join(stuck, ", "), " wait in a collective of step ", name, " that cannot complete"),
        was_stopped ? ExitStatus::stopped : state_.failure_status());
  }
}

void Coordinator::check_heartbeats() {
  const double now = monotonic_seconds();
  if (now - last_tick_ < 1) return;
  last_tick_ = now;
  const Watchdog::Finding found = watchdog_.look(now);
  if (!found.warning.empty()) state_.note(found.warning, "warning");
  if (!found.hang.empty()) abort_job(found.hang, ExitStatus::stopped);
  Json event = {{"event", "heartbeat"}, {"silent", found.silent}};
  if (!found.step.empty()) event["step"] = found.step;
  if (!found.collective.empty()) event["collective"] = found.collective;
  observer_.on_event(event);
}

// What still could run goes on after a restart, if there is someone to restart; otherwise the job ends as it
// stands.
void Coordinator::abort_job(const std::string& why, ExitStatus status) {
  state_.note(str(why, "; the job ends"), "warning");
  log::error(str(why, "; ending the job"));
  const bool work_left = !state_.finished();
  if (settings_.supervised && work_left && status != ExitStatus::stopped) {
    record_.json()["status"] = "interrupted";
    state_.save(true);
    world_.abort(code(ExitStatus::internal));
  }
  state_.give_up_waiting(RunState::Status::stopped, why);
  for (auto& [id, running] : running_) {
    running.staging.clear();
    if (state_.status(running.step) == RunState::Status::running) state_.stopped(running.step);
  }
  const ExitStatus ended = state_.end(status == ExitStatus::stopped, why);
  world_.abort(code(ended == ExitStatus::ok ? status : ended));
  std::terminate();  // GCC 12 does not believe [[noreturn]] of a virtual function
}

void Coordinator::append_metric(const Json& row) {
  File file(record_.layout().metrics(), O_WRONLY | O_CREAT | O_APPEND);
  file.write_all(json_text(row) + "\n");
  file.close();
}

void Coordinator::finish_timeline() {
  const double patience = monotonic_seconds() + 10;
  Backoff backoff;
  const auto missing = [&] { return std::count(timelines_.begin(), timelines_.end(), std::string()); };
  while (missing() > 0 && monotonic_seconds() < patience) {
    if (auto message = world_.poll_coordinator()) {
      handle(*message);
    } else {
      backoff.wait();
    }
  }
  if (missing() > 0) state_.note(str("the timeline lacks ", missing(), " rank(s)"), "warning");
  std::erase(timelines_, std::string());
  write_file_atomically(record_.layout().timeline(), str("[", join(timelines_, ",\n"), "]\n"), false);
}

}  // namespace rankflow
