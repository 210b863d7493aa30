#include "steps/divided_work.h"

#include <algorithm>

#include "base/partition.h"
#include "collectives/agreement.h"
#include "steps/predictor.h"

namespace rankflow {
namespace {

constexpr std::int64_t rounds = 20;  // how often ranks look whether they are to stop

}  // namespace

std::vector<double> divide_work(
    StepContext& context, std::int64_t items, const std::string& unit,
    const std::function<void(std::int64_t item, std::vector<double>& mine)>& work) {
  const std::int64_t ranks = context.comm.size();
  const std::int64_t per_round = ceil_div(ceil_div(items, rounds), ranks) * ranks;
  std::vector<double> all;
  for (std::int64_t first = 0; first < items; first += per_round) {
    if (context.comm.all_reduce_value<std::int32_t>(context.stop.requested() ? 1 : 0, ReduceOp::max) > 0)
      throw Stopped();
    const std::int64_t count = std::min(per_round, items - first);
    std::vector<double> mine;
    run_together(context.comm, [&] {
      const TimedSpan span(context.timeline, unit, context.step);
      const Range share = partition(count, ranks, context.comm.rank());
      for (std::int64_t i = share.begin; i < share.end; ++i) work(first + i, mine);
    });
    const auto round = gather_on_first(context.comm, mine);
    all.insert(all.end(), round.begin(), round.end());
    if (context.first()) {
      context.report.progress(static_cast<double>(first + count), static_cast<double>(items), unit, "",
                              Json::object());
    }
  }
  return all;
}

}  // namespace rankflow
