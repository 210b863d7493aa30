// Many equal pieces of work that need nothing of each other, divided over the ranks in a fixed way: samples of a
// bootstrap, columns to permute.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/step.h"

namespace rankflow {

/// Calls `work` once for each of 0 … items-1, on one rank each, which appends its result to `mine` (as many numbers for
/// every item). Returns the results of all items in their order on the first rank, nothing on the others. Reports
/// progress in `unit`s and throws Stopped when asked to stop. Collective; an exception in `work` fails all ranks.
std::vector<double> divide_work(
    StepContext& context, std::int64_t items, const std::string& unit,
    const std::function<void(std::int64_t item, std::vector<double>& mine)>& work);

}  // namespace rankflow
