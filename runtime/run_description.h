// What a run's record says about the run as a whole: which pipeline, command line, commit, versions; and the
// copies of pipeline and plan beside it.
#pragma once

#include <string>
#include <vector>

#include "runtime/event.h"
#include "runtime/pipeline.h"
#include "runtime/plan.h"
#include "runtime/run_record.h"

namespace rankflow {

/// Fills what every run has: pipeline, command line, start. Cheap: a run with nothing to do has no more.
void describe_run(RunRecord& record, const Pipeline& pipeline, const std::vector<std::string>& command_line);

/// What a run that works has besides: git commit, `versions` (name → version of the libraries that compute),
/// and pipeline.json and plan.json in the run's folder.
void describe_work(RunRecord& record, const Pipeline& pipeline, const Planner& planner, const Json& versions);

/// Warns once of each step whose earlier output is damaged and made again, and keeps it in the record ("damaged": {step: what was
/// found}). Whoever plans first sees what is wrong; those after it find the output gone.
void tell_damage(RunRecord& record, const Planner& planner, RunObserver& observer);

}  // namespace rankflow
