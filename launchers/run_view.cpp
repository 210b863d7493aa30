#include "launchers/run_view.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/text.h"
#include "launchers/text_table.h"

namespace rankflow {
namespace {

std::string text_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

double number_at(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

void start(StepView& step, const Json& event, double now) {
  step.status = "running";
  step.started = now;
  step.done = step.total = step.rate = 0;
  step.text.clear();
  step.ranks.clear();
  for (const auto& rank : event.value("ranks", Json::array())) step.ranks.push_back(rank.get<int>());
  step.rank_count = static_cast<int>(step.ranks.size());
  step.attempt = event.value("attempt", 1);
}

void progress(StepView& step, const Json& event) {
  step.done = number_at(event, "done");
  step.total = number_at(event, "total");
  step.rate = number_at(event, "rate");
  step.unit = text_at(event, "unit");
  step.text = text_at(event, "text");
  if (event.contains("metrics")) step.metrics = event["metrics"];
}

void finish(StepView& step, const Json& event) {
  step.status = text_at(event, "status");
  step.seconds = number_at(event, "seconds");
  if (const auto rows = event.find("rows"); rows != event.end() && rows->is_number())
    step.rows = rows->get<std::int64_t>();
  if (event.contains("metrics")) step.metrics = event["metrics"];
  if (const auto ranks = event.find("ranks"); ranks != event.end()) {
    step.rank_count = ranks->is_array()    ? static_cast<int>(ranks->size())
                      : ranks->is_number() ? ranks->get<int>()
                                           : 0;
  }
  step.run = text_at(event, "run");
  step.message = text_at(event, "message");
  if (const auto hint = text_at(event, "hint"); !hint.empty()) step.message += str(". Try: ", hint);
}

Color color_of(const std::string& status) {
  if (status == "done") return Color::green;
  if (status == "failed") return Color::red;
  if (status == "stopped" || status == "skipped" || status == "not run") return Color::yellow;
  return Color::dim;
}

std::string value_text(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    // From 10,000 on four digits would need an exponent: people read 41,250 samples/s more easily than 4.125e+04.
    const double size = std::abs(number);
    if (size >= 1e4 && size < 1e15) return human_count(std::llround(number));
    return significant(number);
  }
  if (value.is_number_integer()) return human_count(value.get<std::int64_t>());
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.get<std::string>();
}

}  // namespace

StepView& RunView::step(const std::string& name) {
  const auto [at, fresh] = index_.try_emplace(name, steps_.size());
  if (fresh) {
    steps_.emplace_back();
    steps_.back().name = name;
  }
  return steps_[at->second];
}

StepView* RunView::apply(const Json& event, double now) {
  const auto kind = text_at(event, "event");
  if (kind == "run_started") {
    run_ = text_at(event, "run");
    pipeline_ = text_at(event, "pipeline");
    ranks_ = event.value("ranks", 0);
    std::set<std::string> hosts;
    for (const auto& host : event.value("hosts", Json::array())) hosts.insert(host.get<std::string>());
    hosts_ = hosts.size();
    if (started_ == 0) started_ = now;
    for (const auto& planned : event.value("steps", Json::array())) {
      StepView& view = step(text_at(planned, "name"));
      // After a restart the steps that were running start again, or are reused now.
      if (view.status != "done" && view.status != "failed")
        view.status = text_at(planned, "decision") == "leave" ? "left" : "waiting";
    }
    return nullptr;
  }
  if (!event.contains("step") || kind == "heartbeat") return nullptr;
  StepView& view = step(text_at(event, "step"));
  if (kind == "step_started") start(view, event, now);
  if (kind == "step_progress") progress(view, event);
  if (kind != "step_finished") return &view;
  // After a restart: what this run made or saw fail before is only found again.
  const auto status = text_at(event, "status");
  if ((view.status == "done" && status == "reused") || (view.status == "failed" && status == "failed"))
    return nullptr;
  finish(view, event);
  return &view;
}

std::size_t RunView::count(const std::string& status) const {
  return static_cast<std::size_t>(
      std::count_if(steps_.begin(), steps_.end(), [&](const StepView& s) { return s.status == status; }));
}

std::vector<StepView> steps_of_record(const Json& record) {
  const Json entries = record.value("steps", Json::object());
  std::vector<std::string> names;
  std::set<std::string> seen;
  auto add = [&](const std::string& name) {
    if (entries.contains(name) && seen.insert(name).second) names.push_back(name);
  };
  for (const auto& name : record.value("order", Json::array())) add(name.get<std::string>());
  for (const auto& entry : entries.items()) add(entry.key());

  std::vector<StepView> steps;
  for (const auto& name : names) {
    StepView view;
    view.name = name;
    finish(view, entries[name]);
    if (view.status.empty()) view.status = "waiting";
    if (view.run == text_at(record, "run")) view.run.clear();
    steps.push_back(std::move(view));
  }
  return steps;
}

std::string steps_table(const std::vector<StepView>& steps, std::size_t width, bool color, std::size_t most) {
  TextTable table(
      {{"step"}, {"status"}, {"ranks", true}, {"time", true}, {"rows", true}, {"result"}, {"made by run"}});
  std::size_t shown = 0, hidden = 0;
  for (const auto& step : steps) {
    const bool uneventful = step.status == "reused" || step.status == "left";
    if (step.status == "left") continue;
    if (uneventful && shown >= most) {
      ++hidden;
      continue;
    }
    ++shown;
    const std::string status = step.finished()            ? step.status
                               : step.status == "running" ? "stopped"
                                                          : "not run";
    const bool timed = step.finished() && step.began();
    table.add({{step.name},
               {status, color_of(status)},
               {step.rank_count > 0 ? std::to_string(step.rank_count) : ""},
               {timed ? human_seconds(step.seconds) : ""},
               {step.rows ? human_count(*step.rows) : ""},
               {metrics_text(step.metrics)},
               {step.status == "reused" ? step.run : "", Color::dim}});
  }
  std::string out = table.empty() ? "" : table.text(width, color);
  if (hidden)
    out += str("… and ", human_count(static_cast<std::int64_t>(hidden)), " more that were reused\n");
  return out;
}

std::string metrics_text(const Json& metrics, std::size_t most) {
  if (!metrics.is_object()) return "";
  // What a model is judged by first, of data it has not seen before that of its own training.
  static const std::vector<std::string> first = {"accuracy", "auc", "f1", "rmse", "mae", "r2", "loss"};
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    const auto value = metrics.find(name);
    const bool plain =
        value != metrics.end() && (value->is_number() || value->is_boolean() || value->is_string());
    if (plain && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const auto* prefix : {"validation_", "test_", ""}) {
    for (const auto& name : first) add(prefix + name);
  }
  for (const auto& metric : metrics.items()) {
    if (metric.key() != "rows") add(metric.key());  // rows have a place of their own
  }
  std::vector<std::string> parts;
  for (const auto& name : names) {
    if (parts.size() < most) parts.push_back(str(name, " ", value_text(metrics[name])));
  }
  return join(parts, ", ");
}

std::string ranks_text(const std::vector<int>& ranks) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < ranks.size();) {
    std::size_t j = i;
    while (j + 1 < ranks.size() && ranks[j + 1] == ranks[j] + 1) ++j;
    parts.push_back(i == j ? std::to_string(ranks[i]) : str(ranks[i], "-", ranks[j]));
    i = j + 1;
  }
  return join(parts, ",");
}

std::string counted(std::size_t n, const std::string& noun) {
  return str(human_count(static_cast<std::int64_t>(n)), " ", noun, n == 1 ? "" : "s");
}

}  // namespace rankflow
