#include "runtime/watchdog.h"

#include <algorithm>

#include "base/text.h"

namespace rankflow {
namespace {

std::string ranks_text(const std::vector<int>& ranks) {
  std::vector<std::string> names;
  for (int r : ranks) names.push_back(std::to_string(r));
  return str(names.size() > 1 ? "ranks " : "rank ", join(names, ", "));
}

}  // namespace

Json to_json(const CallStatus& status) {
  Json line = {{"group", status.group},
               {"number", status.call.number},
               {"call", status.call.number > 0 ? describe(status.call) : ""},
               {"inside", status.inside},
               {"seconds", status.seconds},
               {"ranks", status.ranks}};
  if (status.call.operation == Operation::agreement) line["patient"] = true;
  return line;
}

Watchdog::Watchdog(std::vector<std::string> hosts, double hang_limit, double now)
    : hosts_(std::move(hosts)), hang_limit_(hang_limit), ranks_(hosts_.size()) {
  for (Rank& rank : ranks_) rank.heard = now;
}

void Watchdog::heard(int rank, double now) {
  ranks_.at(static_cast<std::size_t>(rank)).heard = now;
}

void Watchdog::heartbeat(int r, const Json& message, double now) {
  Rank& rank = ranks_.at(static_cast<std::size_t>(r));
  rank.heard = now;
  rank.step = message.value("step", "");
  rank.helper_silent = message.value("helper_silent", 0.0);
  rank.calls.clear();
  for (const Json& line : message.value("calls", Json::array()))
    rank.calls.push_back({line.at("group"), line.at("call"), line.at("number"), line.at("inside"),
                          line.value("patient", false), now - line.at("seconds").get<double>(),
                          line.value("ranks", 0)});
}

Watchdog::Finding Watchdog::look(double now) {
  // News travel once a second; a wait this long is worth a word.
  const double notable = std::min(5.0, hang_limit_ / 2);
  Finding found;
  std::string longest_silent;
  double longest = 0;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    const double silent = now - ranks_[r].heard;
    if (silent <= notable) continue;
    found.silent.push_back(static_cast<int>(r));
    found.step = ranks_[r].step;
    if (silent < hang_limit_ || silent <= longest) continue;
    longest = silent;
    found.hang = str("rank ", r, " (", hosts_[r], ") has given no sign of life for ", human_seconds(silent),
                     ranks_[r].step.empty() ? "" : str(", last seen in step \"", ranks_[r].step, "\""));
  }
  look_at_helpers(found, notable);
  const auto all = waits(now);
  const auto wait = std::max_element(all.begin(), all.end(),
                                     [](const Wait& a, const Wait& b) { return a.seconds < b.seconds; });
  if (wait == all.end() || wait->seconds < notable) return found;
  found.collective = wait->text;
  if (found.step.empty()) found.step = wait->step;
  if (!found.hang.empty()) {
    found.hang += str("; ", wait->text);
  } else if (wait->seconds >= hang_limit_ && !wait->patient && found.silent.empty()) {
    found.hang = str("step \"", wait->step, "\" hangs: ", wait->text);
  } else if (wait->seconds >= hang_limit_ / 2 && warned_.emplace(wait->group, wait->number).second) {
    found.warning = str("step \"", wait->step, "\": ", wait->text);
  }
  return found;
}

void Watchdog::look_at_helpers(Finding& found, double notable) {
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    const double silent = ranks_[r].helper_silent;
    if (silent <= notable || silent < hang_limit_ / 2) continue;
    const std::string text = str("the helper process that starts programs for rank ", r, " (", hosts_[r],
                                 ") has given no sign of life for ", human_seconds(silent));
    if (silent >= hang_limit_ && found.hang.empty()) {
      found.hang = text;
      found.step = ranks_[r].step;
    } else if (warned_.emplace(str("helper of rank ", r), 0).second) {
      found.warning = text;
    }
  }
}

std::vector<Watchdog::Wait> Watchdog::waits(double now) const {
  std::map<std::string, Group> groups;
  for (std::size_t r = 0; r < ranks_.size(); ++r)
    for (const Standing& s : ranks_[r].calls) groups[s.group][static_cast<int>(r)] = &s;
  std::vector<Wait> found;
  for (const auto& [name, group] : groups) {
    std::int64_t last = 0;
    for (const auto& [rank, standing] : group)
      if (standing->inside) last = std::max(last, standing->number);
    if (last > 0) found.push_back(wait_of(group, last, now));
  }
  return found;
}

Watchdog::Wait Watchdog::wait_of(const Group& group, std::int64_t number, double now) const {
  Wait wait;
  std::vector<int> waiting, missing;
  std::vector<std::string> owing;
  double latest = 0;
  int members = 0;
  for (const auto& [rank, s] : group) {
    members = std::max(members, s->ranks);
    if (s->inside && s->number == number) {
      waiting.push_back(rank);
      wait.group = s->group, wait.number = number, wait.patient = s->patient;
      wait.step = ranks_[static_cast<std::size_t>(rank)].step;
      wait.text = s->call;
      latest = std::max(latest, s->since);
      wait.seconds = std::max(wait.seconds, now - s->since);
    } else if (s->number < number) {
      missing.push_back(rank);
      owing.push_back(s->number == 0
                          ? str("rank ", rank, " has made no call yet")
                          : str("rank ", rank, s->inside ? " is in call " : " came back from call ",
                                s->number, ", ", s->call, s->inside ? " since " : " ",
                                human_seconds(now - s->since), s->inside ? "" : " ago"));
    }
  }
  const std::string call = str("call ", number, ", ", wait.text);
  // Ranks that last spoke before they had a part in the group.
  const int unheard = members - static_cast<int>(group.size());
  if (missing.empty() && unheard > 0) {
    wait.text = str(ranks_text(waiting), waiting.size() > 1 ? " have" : " has", " waited for ",
                    human_seconds(wait.seconds), " in ", call, ", which ", unheard, " of its ", members,
                    " ranks ", unheard > 1 ? "have" : "has", " not been heard of in");
  } else if (missing.empty()) {
    // From when the last one came: until then they waited for it.
    wait.seconds = now - latest;
    wait.text = str(ranks_text(waiting), waiting.size() > 1 ? " are all" : " is", " in ", call, " for ",
                    human_seconds(wait.seconds), ", and it does not end");
  } else {
    wait.text = str(ranks_text(missing), missing.size() > 1 ? " have" : " has", " not entered ", call,
                    ", in which ", ranks_text(waiting), waiting.size() > 1 ? " have" : " has", " waited for ",
                    human_seconds(wait.seconds), " (", join(owing, "; "), ")");
  }
  return wait;
}

}  // namespace rankflow
