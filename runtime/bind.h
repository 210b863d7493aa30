// Makes the work order of a step: every binding replaced by the path it stands for.
#pragma once

#include <map>
#include <string>

#include "io/store_layout.h"
#include "runtime/messages.h"
#include "runtime/plan.h"

namespace rankflow {

/// `staging`: output name → staging directory. The outputs of the steps before must be known to the planner.
WorkOrder make_work_order(const Planner& planner, std::size_t step, const StoreLayout& store,
                          const RunLayout& run, const std::map<std::string, std::string>& staging);

}  // namespace rankflow
