// One rank's part of `rankflow run`: rank 0 loads the pipeline, plans and coordinates; every rank works.
#pragma once

#include <string>
#include <vector>

#include "collectives/mpi_world.h"
#include "launchers/job_environment.h"
#include "launchers/options.h"
#include "runtime/event.h"
#include "runtime/spawner.h"
#include "runtime/step.h"

namespace rankflow {

struct RankCommand {
  CommandLine line;                // `run` with its options
  std::vector<std::string> words;  // as given, for the record
  JobEnvironment environment;
};

/// Collective over the world. Errors are reported by rank 0; returns the exit status that every rank ends
/// with.
ExitStatus run_as_rank(const RankCommand& command, World& world, Spawner& spawner, StopFlag& stop);

/// Tells the supervisor (as an event) or the terminal why nothing could run. `observer` may be null.
void report_fatal(const Error& error, const JobEnvironment& environment, RunObserver* observer);

}  // namespace rankflow
