#include "runtime/run_state.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/text.h"
#include "runtime/run_description.h"

namespace rankflow {

const char* name(RunState::Status status) {
  switch (status) {
    case RunState::Status::waiting:
      return "waiting";
    case RunState::Status::running:
      return "running";
    case RunState::Status::done:
      return "done";
    case RunState::Status::reused:
      return "reused";
    case RunState::Status::failed:
      return "failed";
    case RunState::Status::skipped:
      return "skipped";
    case RunState::Status::stopped:
      return "stopped";
    case RunState::Status::left:
      return "left";
  }
  return "?";
}

RunState::RunState(Planner& planner, RunRecord& record, RunObserver& observer,
                   const std::vector<std::string>& hosts, Deliver to_objects)
    : planner_(planner),
      record_(record),
      observer_(observer),
      hosts_(hosts),
      steps_(planner.steps().size()),
      deliveries_(record.store(), std::move(to_objects)) {}

Json& RunState::entry(std::size_t step) {
  return record_.json()["steps"][name_of(step)];
}

void RunState::begin(int attempt) {
  began_ = monotonic_seconds();
  attempt_ = attempt;
  const Json before = record_.json().value("steps", Json::object());
  Json& run = record_.json();
  run["status"] = "running";
  run["attempts"] = attempt;
  run["ranks"] = hosts_.size();
  run["hosts"] = std::set<std::string>(hosts_.begin(), hosts_.end());
  run["steps"] = Json::object();
  Json event = {{"event", "run_started"}, {"run", record_.id()},   {"pipeline", planner_.pipeline().name},
                {"ranks", hosts_.size()}, {"hosts", run["hosts"]}, {"attempt", attempt}};
  Json& entries = run["steps"];
  Json::array_t order(steps_.size());
  Json::array_t planned_steps(steps_.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const PlannedStep& planned = planner_.steps()[i];
    order[i] = name_of(i);
    Json& entry = entries[name_of(i)];
    // "waiting" until settle_reused() finds otherwise; assigned one by one, as lists in braces are copied.
    entry["status"] = rankflow::name(planned.decision == Decision::leave ? Status::left : Status::waiting);
    entry["decision"] = rankflow::name(planned.decision);
    entry["reasons"] = planned.reasons;
    if (planned.decision == Decision::leave) steps_[i].status = Status::left;
    planned_steps[i]["name"] = name_of(i);
    planned_steps[i]["decision"] = entry["decision"];
    planned_steps[i]["reasons"] = entry["reasons"];
  }
  run["order"] = std::move(order);
  event["steps"] = std::move(planned_steps);
  observer_.on_event(event);
  tell_damage(record_, planner_, observer_);
  settle_reused();
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto it = before.find(name_of(i));
    if (it == before.end() || it->value("status", "") != "failed" || steps_[i].status != Status::waiting)
      continue;
    const Error error(static_cast<ExitStatus>(it->value("exit", code(ExitStatus::step_failed))),
                      it->value("message", "failed in an earlier attempt"), it->value("hint", ""));
    failed(i, error, -1);
  }
  if (!steps_ended()) save(false);
}

// Steps that the planner found unchanged, at the start or after an early cut-off.
void RunState::settle_reused() {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const PlannedStep& planned = planner_.steps()[i];
    if (steps_[i].status != Status::waiting || planned.decision != Decision::reuse) continue;
    steps_[i].status = Status::reused;
    Json event = Json::object();
    event["status"] = "reused";
    event["outputs"] = planned.outputs;
    if (planned.record) {
      event["run"] = planned.record->run;
      event["metrics"] = planned.record->results;
      if (const auto rows = planned.record->results.find("rows"); rows != planned.record->results.end())
        event["rows"] = *rows;
    }
    tell_finished(i, std::move(event));
  }
}

void RunState::tell_finished(std::size_t step, Json event) {
  const PlannedStep& planned = planner_.steps()[step];
  Json& record = entry(step);
  for (const auto& [key, value] : event.items()) record[key] = value;
  if (!planned.fingerprint.empty()) record["fingerprint"] = planned.fingerprint;
  // The record of the run that made a reused step has the rest.
  if (steps_[step].status != Status::reused) {
    record["decision"] = rankflow::name(planned.decision);
    record["reasons"] = planned.reasons;
    record["ingredients"] = planned.ingredients;
    record["labels"] = planned.labels;
  }
  if (const auto outputs = event.find("outputs"); outputs != event.end()) start_deliveries(step, *outputs);
  event["event"] = "step_finished";
  event["step"] = name_of(step);
  observer_.on_event(event);
}

std::vector<std::size_t> RunState::ready() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].status != Status::waiting || planner_.steps()[i].decision != Decision::run) continue;
    const auto& needs = planner_.pipeline().steps[i].needs;
    const bool all = std::all_of(needs.begin(), needs.end(), [&](std::size_t n) {
      return steps_[n].status == Status::done || steps_[n].status == Status::reused;
    });
    if (all) out.push_back(i);
  }
  return out;
}

void RunState::start_deliveries(std::size_t step, const Json& outputs) {
  const PipelineStep& s = planner_.pipeline().steps[step];
  const auto start = [&](const std::string& output, const std::string& path, const Location& location) {
    deliveries_.start(
        {step, output, s.publish_to.at(output), path, outputs.at(output), record_.id(), location});
  };
  for (const auto& [output, path] : s.publish_paths) start(output, path, {});
  for (const auto& [output, location] : s.publish_locations) start(output, location.url, location);
}

void RunState::note_deliveries(bool wait) {
  for (const auto& done : deliveries_.collect(wait)) {
    const Delivery& d = done.delivery;
    Json& noted = entry(d.step)["published"][d.output];
    noted = {{"to", d.reference}, {"path", d.path}, {"artifact", d.digest}, {"copied", done.copied}};
    if (!done.error) {
      if (done.copied)
        note(str("step ", name_of(d.step), ": ", d.output, " is published to ", d.reference), "info");
      continue;
    }
    try {
      std::rethrow_exception(done.error);
    } catch (const std::exception& e) {
      const Error error = as_error(e);
      const std::string what = str("publishing ", name_of(d.step), ".", d.output, " to ", d.reference);
      noted["problem"] = describe(error);
      note(str(what, ": ", describe(error)), "warning");
      if (failures_.empty()) failure_status_ = error.status();
      failures_.push_back(what);
    }
  }
}

bool RunState::finished() const {
  return steps_ended() && deliveries_.idle();
}

bool RunState::steps_ended() const {
  return std::none_of(steps_.begin(), steps_.end(), [](const StepState& s) {
    return s.status == Status::waiting || s.status == Status::running;
  });
}

bool RunState::any_running() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const StepState& s) { return s.status == Status::running; });
}

void RunState::started(std::size_t step, const std::vector<int>& ranks, int attempt) {
  steps_[step].status = Status::running;
  steps_[step].started = monotonic_seconds();
  std::set<std::string> hosts;
  for (int r : ranks) hosts.insert(hosts_[static_cast<std::size_t>(r)]);
  Json& record = entry(step);
  record["status"] = "running";
  record["started"] = utc_now();
  record["ranks"] = ranks;
  record["hosts"] = hosts;
  observer_.on_event(
      {{"event", "step_started"}, {"step", name_of(step)}, {"ranks", ranks}, {"attempt", attempt}});
}

void RunState::done(std::size_t step, const std::map<std::string, std::string>& outputs, const Json& results,
                    double seconds) {
  steps_[step].status = Status::done;
  Json event = {{"status", "done"},
                {"seconds", seconds},
                {"outputs", outputs},
                {"metrics", results},
                {"run", record_.id()}};
  if (results.contains("rows")) event["rows"] = results["rows"];
  planner_.finished(step, outputs);
  tell_finished(step, std::move(event));
  tell_damage(record_, planner_, observer_);
  settle_reused();
}

void RunState::failed(std::size_t step, const Error& error, int rank) {
  const double seconds = steps_[step].started > 0 ? monotonic_seconds() - steps_[step].started : 0;
  steps_[step].status = Status::failed;
  // A restart repeats the message of the attempt that failed, which says the place already.
  std::string message = error.message();
  if (rank >= 0)
    message = str("rank ", rank, " (", hosts_[static_cast<std::size_t>(rank)], "): step \"", name_of(step),
                  "\": ", message);
  if (failures_.empty()) failure_status_ = error.status();
  failures_.push_back(name_of(step));
  tell_finished(step, {{"status", "failed"},
                       {"seconds", seconds},
                       {"message", message},
                       {"hint", error.hint()},
                       {"where", error.where()},
                       {"exit", code(error.status())},
                       {"run", record_.id()}});
  skip_followers(step);
  save(true);
}

void RunState::skip_followers(std::size_t step) {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const auto& needs = planner_.pipeline().steps[i].needs;
    if (steps_[i].status != Status::waiting || std::find(needs.begin(), needs.end(), step) == needs.end())
      continue;
    steps_[i].status = Status::skipped;
    tell_finished(i, {{"status", "skipped"},
                      {"message", str("needs step \"", name_of(step), "\", which ",
                                      rankflow::name(steps_[step].status))}});
    skip_followers(i);
  }
}

void RunState::not_durable(const Error& error, int rank) {
  const std::string text =
      str("rank ", rank, " (", hosts_[static_cast<std::size_t>(rank)], "): ", describe(error));
  record_.json()["not_durable"] = text;
  note(text, "warning");
  if (failures_.empty()) failure_status_ = ExitStatus::io;
  failures_.push_back("bringing outputs to disk");
}

void RunState::stopped(std::size_t step) {
  steps_[step].status = Status::stopped;
  tell_finished(step, {{"status", "stopped"}, {"seconds", monotonic_seconds() - steps_[step].started}});
}

void RunState::give_up_waiting(Status as, const std::string& why) {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].status != Status::waiting) continue;
    steps_[i].status = as;
    tell_finished(i, {{"status", rankflow::name(as)}, {"message", why}});
  }
}

ExitStatus RunState::failure_status() const {
  if (failures_.empty()) return ExitStatus::ok;
  switch (failure_status_) {
    case ExitStatus::bad_data:
    case ExitStatus::io:
    case ExitStatus::permission:
    case ExitStatus::configuration:
      return failure_status_;
    default:
      return ExitStatus::step_failed;
  }
}

ExitStatus RunState::end(bool stop_requested, const std::string& why) {
  note_deliveries(true);
  const bool any_stopped = std::any_of(steps_.begin(), steps_.end(),
                                       [](const StepState& s) { return s.status == Status::stopped; });
  ExitStatus status = failure_status();
  if (status == ExitStatus::ok && stop_requested && any_stopped) status = ExitStatus::stopped;
  const char* word = status == ExitStatus::ok ? "done" : status == ExitStatus::stopped ? "stopped" : "failed";
  Json& run = record_.json();
  run["status"] = word;
  run["exit"] = code(status);
  run["seconds"] = run.value("seconds", 0.0) + monotonic_seconds() - began_;
  run["ended"] = utc_now();
  const bool nothing_ran = std::all_of(steps_.begin(), steps_.end(),
                                       [](const StepState& s) { return s.status == Status::reused; });
  save(!nothing_ran);
  Json event = {{"event", "run_finished"},
                {"run", record_.id()},
                {"status", word},
                {"exit", code(status)},
                {"seconds", run["seconds"]}};
  if (!why.empty()) event["message"] = why;
  if (!failures_.empty()) event["message"] = str("failed: ", join(failures_, ", "));
  observer_.on_event(event);
  return status;
}

void RunState::save(bool durable) {
  record_.save(durable);
}

void RunState::note(const std::string& text, const std::string& level) {
  observer_.on_event({{"event", "note"}, {"text", text}, {"level", level}});
}

}  // namespace rankflow
