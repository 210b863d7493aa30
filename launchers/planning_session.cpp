#include "launchers/planning_session.h"

#include <algorithm>

#include "runtime/device.h"
#include "runtime/input_resolution.h"
#include "steps/specs.h"

namespace rankflow {

Pipeline load_for(const CommandLine& line, const std::string& pipeline_file, const StepSpecs& specs) {
  Pipeline pipeline = load_pipeline(pipeline_file, specs, overrides_of(line));
  const StoreLayout store{store_of(line)};
  resolve_inputs(pipeline, store, pinned_inputs(store, line.text("run-id")));
  return pipeline;
}

PlanningSession::PlanningSession(const CommandLine& line, const std::string& pipeline_file, int ranks,
                                 ListRemote list)
    : specs_(all_step_specs()),
      pipeline_(load_for(line, pipeline_file, specs_)),
      memory_(FileMemory::default_path()),
      store_(store_of(line), memory_),
      disk_(make_plan_disk(store_, memory_, std::move(list))),
      planner_(pipeline_, *disk_, plan_options_of(line, ranks, automatic_device(ranks))) {
  planner_.decide();
  memory_.save();
}

int ranks_of(const CommandLine& line, const JobEnvironment& job) {
  return line.has("ranks") ? line.integer("ranks") : std::max(1, job.allocated_tasks);
}

}  // namespace rankflow
