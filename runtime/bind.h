// Makes the work order of a step: every binding replaced by the path it stands for.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "io/store_layout.h"
#include "runtime/messages.h"
#include "runtime/plan.h"

namespace rankflow {

/// Throws Error (bad_data, io) where an input of the step has other content than the run was planned with.
///
/// Where a path is that of a downloaded copy, which each node has elsewhere, stands a mark that put_paths() replaces. `staging`: output name → staging directory. The outputs of the steps before must be known to the planner.
WorkOrder make_work_order(Planner& planner, std::size_t step, const StoreLayout& store, const RunLayout& run,
                          const std::map<std::string, std::string>& staging);

/// Replaces the marks in an order: `path_of(i)` is where the copy of its download `i` lies.
void put_paths(WorkOrder& order, const std::function<std::string(std::size_t)>& path_of);

}  // namespace rankflow
