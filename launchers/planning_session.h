// A pipeline, loaded and planned against a store: what `run`, `plan` and `why` begin with.
#pragma once

#include <memory>
#include <string>

#include "io/file_memory.h"
#include "io/store.h"
#include "launchers/job_environment.h"
#include "launchers/options.h"
#include "launchers/remote_questions.h"
#include "runtime/pipeline.h"
#include "runtime/plan.h"

namespace rankflow {

/// The pipeline with what the command line changes, its datasets and datastores looked up; where the run goes on (--run-id), datasets
/// stay at the versions that it began with. Throws Error.
Pipeline load_for(const CommandLine& line, const std::string& pipeline_file, const StepSpecs& specs);

class PlanningSession {
 public:
  /// Loads `pipeline_file`, opens the store and decides all steps that can be decided. Throws Error.
  PlanningSession(const CommandLine& line, const std::string& pipeline_file, int ranks,
                  ListRemote list = list_remote);
  /// Its parts refer to each other.
  PlanningSession(const PlanningSession&) = delete;
  PlanningSession& operator=(const PlanningSession&) = delete;

  const Pipeline& pipeline() const { return pipeline_; }
  Store& store() { return store_; }
  Planner& planner() { return planner_; }

 private:
  StepSpecs specs_;
  Pipeline pipeline_;
  FileMemory memory_;
  Store store_;
  std::unique_ptr<PlanDisk> disk_;
  Planner planner_;
};

/// --ranks, otherwise the tasks of the allocation, otherwise 1.
int ranks_of(const CommandLine& line, const JobEnvironment& job);

}  // namespace rankflow
