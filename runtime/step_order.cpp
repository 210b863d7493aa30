#include "runtime/step_order.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace rankflow {

namespace {

/// Every step that is left waits for another that is left, so following them comes back to where we were.
std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& needs,
                                    const std::vector<std::size_t>& missing) {
  std::vector<bool> seen(needs.size(), false);
  std::vector<std::size_t> path;
  std::size_t at = 0;
  while (missing[at] == 0) ++at;
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    at = *std::find_if(needs[at].begin(), needs[at].end(), [&](std::size_t n) { return missing[n] != 0; });
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  return path;
}

}  // namespace

StepOrder order_steps(const std::vector<std::vector<std::size_t>>& needs) {
  StepOrder result;
  std::vector<std::vector<std::size_t>> needed_by(needs.size());
  std::vector<std::size_t> missing(needs.size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < needs.size(); ++i) {
    missing[i] = needs[i].size();
    for (const auto n : needs[i]) needed_by[n].push_back(i);
    if (missing[i] == 0) ready.push(i);
  }
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    result.order.push_back(i);
    for (const auto next : needed_by[i]) {
      if (--missing[next] == 0) ready.push(next);
    }
  }
  if (result.order.size() < needs.size()) result.cycle = find_cycle(needs, missing);
  return result;
}

}  // namespace rankflow
