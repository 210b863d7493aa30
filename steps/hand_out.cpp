#include "steps/hand_out.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr std::int64_t runs_per_share = 16;

}  // namespace

HandOut::HandOut(std::int64_t count, int ranks) {
  for (std::int64_t begin = 0; begin < count;) {
    begin += std::max<std::int64_t>(1, (count - begin) / (runs_per_share * ranks));
    ends_.push_back(begin);
  }
}

Range HandOut::run(std::int64_t run) const {
  if (run >= runs()) return {};
  const auto i = static_cast<std::size_t>(run);
  return {i == 0 ? 0 : ends_[i - 1], ends_[i]};
}

std::vector<std::int64_t> left_over(std::int64_t count, std::vector<Range> taken) {
  std::sort(taken.begin(), taken.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<std::int64_t> left;
  std::int64_t next = 0;
  const auto skip_to = [&](std::int64_t end) {
    while (next < end) left.push_back(next++);
  };
  for (const Range& range : taken) {
    if (range.begin < next || range.end < range.begin || range.end > count)
      throw Error(ExitStatus::internal,
                  str("[", range.begin, ", ", range.end, ") of ", count, " is taken twice"));
    skip_to(range.begin);
    next = range.end;
  }
  skip_to(count);
  return left;
}

}  // namespace rankflow
