#include "collectives/overlap_trial.h"

#include <algorithm>

namespace rankflow {

bool OverlapTrial::add(double seconds) {
  if (pass_ >= warm_up) seconds_[threaded() ? 1 : 0].push_back(seconds);
  return ++pass_ >= warm_up + 2 * passes_each;
}

std::array<double, 2> OverlapTrial::medians() const {
  std::array<double, 2> middle{};
  for (std::size_t way = 0; way < 2; ++way) {
    std::vector<double> sorted = seconds_[way];
    std::sort(sorted.begin(), sorted.end());
    middle[way] = (sorted[sorted.size() / 2] + sorted[(sorted.size() - 1) / 2]) / 2;
  }
  return middle;
}

}  // namespace rankflow
