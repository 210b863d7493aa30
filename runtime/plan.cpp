#include "runtime/plan.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "runtime/device.h"
#include "runtime/input_resolution.h"
#include "runtime/schedule.h"

namespace rankflow {

const char* name(Decision d) {
  switch (d) {
    case Decision::reuse:
      return "reuse";
    case Decision::run:
      return "run";
    case Decision::undecided:
      return "undecided";
    case Decision::leave:
      return "leave";
  }
  return "";
}

Planner::Planner(const Pipeline& pipeline, PlanDisk& disk, PlanOptions options)
    : pipeline_(pipeline),
      disk_(disk),
      options_(std::move(options)),
      fingerprinter_(pipeline, disk, options_.ranks, options_.device),
      states_(pipeline.steps.size()),
      steps_(pipeline.steps.size()) {
  for (std::size_t i = 0; i < pipeline_.steps.size(); ++i) {
    index_[pipeline_.steps[i].name] = i;
    states_[i].waiting_for = pipeline_.steps[i].needs.size();
    for (std::size_t need : pipeline_.steps[i].needs) states_[need].followers.push_back(i);
  }
  select();
  force();
}

std::size_t Planner::named(const std::string& step, const char* option) const {
  const std::size_t index = pipeline_.index_of(step);
  if (!states_[index].selected) {
    throw Error(ExitStatus::usage, str(option, " ", step, ": --only leaves this step out"),
                str("--only ", step, " as well"));
  }
  return index;
}

// --only: those steps and what they need. --from alone: those steps, what follows, and what all of these
// need.
void Planner::select() {
  if (options_.only.empty() && options_.from.empty()) return;
  std::vector<char> wanted(states_.size(), 0);
  for (const auto& step : options_.only.empty() ? options_.from : options_.only)
    wanted[pipeline_.index_of(step)] = 1;
  if (options_.only.empty()) {
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const auto& needs = pipeline_.steps[i].needs;
      if (std::any_of(needs.begin(), needs.end(), [&](std::size_t need) { return wanted[need] != 0; }))
        wanted[i] = 1;
    }
  }
  for (std::size_t i = states_.size(); i-- > 0;) {
    states_[i].selected = wanted[i] != 0;
    if (!wanted[i]) continue;
    for (std::size_t need : pipeline_.steps[i].needs) wanted[need] = 1;
  }
}

void Planner::force() {
  if (options_.force_all) {
    for (State& state : states_) state.forced = "forced by --force-all";
  }
  force_from();
  for (const auto& step : options_.force) states_[named(step, "--force")].forced = "forced by --force";
}

void Planner::force_from() {
  std::vector<std::string> origin(states_.size());  // the step named by --from that leads here
  for (const auto& step : options_.from) origin[named(step, "--from")] = step;
  for (std::size_t i = 0; i < states_.size(); ++i) {
    for (std::size_t need : pipeline_.steps[i].needs) {
      if (origin[i].empty()) origin[i] = origin[need];
    }
    if (origin[i].empty()) continue;
    const bool itself = origin[i] == pipeline_.steps[i].name;
    states_[i].forced = itself ? "forced by --from" : str("downstream of ", origin[i], " (--from)");
  }
}

void Planner::decide() {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (steps_[i].decision != Decision::undecided) continue;
    if (!states_[i].selected) {
      steps_[i].decision = Decision::leave;
    } else if (states_[i].waiting_for == 0) {
      settle(i);
    } else {
      postpone(i);
    }
  }
}

// Everything that the step needs is known.
void Planner::settle(std::size_t index) {
  const PipelineStep& step = pipeline_.steps[index];
  PlannedStep& planned = steps_[index];
  Fingerprint made = fingerprinter_.of(step, [this](const std::string& from, const std::string& output) {
    return steps_[index_.at(from)].outputs.at(output);
  });
  planned.fingerprint = std::move(made.digest);
  planned.work = std::move(made.work);
  planned.family = std::move(made.family);
  planned.ingredients = std::move(made.ingredients);
  planned.labels = std::move(made.labels);
  planned.reasons.clear();
  if (!states_[index].forced.empty()) planned.reasons.push_back(states_[index].forced);
  if (!step.reuse) planned.reasons.push_back("reuse: false");
  planned.afresh = !planned.reasons.empty();
  if (!planned.afresh) look_up(index);
  if (planned.record) {
    planned.decision = Decision::reuse;
    planned.outputs = planned.record->outputs;
    mark_known(index);
    return;
  }
  resolve_ranks(step, options_.ranks);
  planned.decision = Decision::run;
}

void Planner::look_up(std::size_t index) {
  PlannedStep& planned = steps_[index];
  std::string problem;
  auto record = disk_.find_usable(planned.fingerprint, &problem);
  if (!record) {
    // What depends on the number of ranks may well have one on another.
    const auto ranks = planned.ingredients.find("ranks");
    const std::string none =
        ranks == planned.ingredients.end()
            ? "no earlier result"
            : str("no earlier result on ", ranks->get<int>(), *ranks == 1 ? " rank" : " ranks");
    planned.damage = problem;
    planned.reasons.push_back(problem.empty() ? none : str("output set aside: ", problem));
    return;
  }
  for (const auto& output : pipeline_.steps[index].outputs) {
    if (record->outputs.contains(output)) continue;
    planned.reasons.push_back(str("the record of the earlier result lacks output ", output));
    return;
  }
  planned.reasons.push_back("unchanged");
  planned.record = std::move(record);
}

void Planner::postpone(std::size_t index) {
  const PipelineStep& step = pipeline_.steps[index];
  fingerprinter_.check(step);
  device_of(step, options_.device);
  resolve_ranks(step, options_.ranks);
  const auto waits_for = [&](Decision d) {
    return std::find_if(step.needs.begin(), step.needs.end(),
                        [&](std::size_t need) { return !states_[need].known && steps_[need].decision == d; });
  };
  PlannedStep& planned = steps_[index];
  planned.reasons.clear();
  if (!states_[index].forced.empty()) planned.reasons.push_back(states_[index].forced);
  if (!step.reuse) planned.reasons.push_back("reuse: false");
  if (const auto running = waits_for(Decision::run); running != step.needs.end()) {
    planned.reasons.push_back(str("after ", pipeline_.steps[*running].name, ", which runs"));
  } else if (const auto open = waits_for(Decision::undecided); open != step.needs.end()) {
    planned.reasons.push_back(str("after ", pipeline_.steps[*open].name, ", which may run"));
  }
}

void Planner::mark_known(std::size_t index) {
  states_[index].known = true;
  for (std::size_t follower : states_[index].followers) --states_[follower].waiting_for;
}

std::vector<std::size_t> Planner::finished(std::size_t index,
                                           const std::map<std::string, std::string>& outputs) {
  if (states_[index].known) return {};
  for (const auto& output : pipeline_.steps[index].outputs) {
    if (!outputs.contains(output)) {
      throw Error(ExitStatus::internal,
                  str("step ", pipeline_.steps[index].name, " ended without output ", output));
    }
  }
  steps_[index].outputs = outputs;
  mark_known(index);

  std::vector<std::size_t> decided;
  for (std::deque<std::size_t> open = {index}; !open.empty(); open.pop_front()) {
    for (std::size_t follower : states_[open.front()].followers) {
      const bool ready = states_[follower].selected && states_[follower].waiting_for == 0;
      if (!ready || steps_[follower].decision != Decision::undecided) continue;
      settle(follower);
      decided.push_back(follower);
      if (states_[follower].known) open.push_back(follower);
    }
  }
  std::sort(decided.begin(), decided.end());
  return decided;
}

bool Planner::nothing_to_do() const {
  return std::all_of(steps_.begin(), steps_.end(), [](const PlannedStep& step) {
    return step.decision == Decision::reuse || step.decision == Decision::leave;
  });
}

Json plan_json(const Planner& planner) {
  const Pipeline& pipeline = planner.pipeline();
  std::map<std::string, int> counts = {{"reuse", 0}, {"run", 0}, {"undecided", 0}, {"leave", 0}};
  Json steps = Json::array();
  for (std::size_t i = 0; i < planner.steps().size(); ++i) {
    const PlannedStep& planned = planner.steps()[i];
    ++counts[name(planned.decision)];
    Json step = {{"name", pipeline.steps[i].name},
                 {"type", pipeline.steps[i].type},
                 {"decision", name(planned.decision)},
                 {"reasons", planned.reasons}};
    if (!planned.fingerprint.empty()) {
      step["fingerprint"] = planned.fingerprint;
      step["ingredients"] = planned.ingredients;
      step["labels"] = planned.labels;
    }
    if (planned.record) {
      step["run"] = planned.record->run;
      step["outputs"] = planned.outputs;
    }
    steps.push_back(std::move(step));
  }
  return {{"format", 1},
          {"pipeline", pipeline.name},
          {"pipeline_file", pipeline.file},
          {"ranks", planner.options().ranks},
          {"device", planner.options().device},
          {"inputs", describe_inputs(pipeline)},
          {"counts", counts},
          {"steps", std::move(steps)}};
}

}  // namespace rankflow
