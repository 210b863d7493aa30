// What a run's record says about the run as a whole: which pipeline, command line, commit, versions; and the
// copies of pipeline and plan beside it.
#pragma once

#include <string>
#include <vector>

#include "runtime/pipeline.h"
#include "runtime/plan.h"
#include "runtime/run_record.h"

namespace rankflow {

/// Fills the record (not yet saved) and writes pipeline.json and plan.json into the run's folder. `versions`:
/// name → version of the libraries that compute.
void describe_run(RunRecord& record, const Pipeline& pipeline, const Planner& planner,
                  const std::vector<std::string>& command_line, const Json& versions);

}  // namespace rankflow
