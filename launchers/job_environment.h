// What the launcher of this process (mpirun, srun, none) says about the job, read from its environment
// variables. One table of variables per launcher; a pure function over a getenv-like lookup.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace rankflow {

enum class Launcher {
  none,      // started by a person or a script
  open_mpi,  // mpirun, mpiexec
  slurm,     // srun
  pmix,      // another launcher that speaks PMIx (prterun, …)
  pmi,       // hydra: MPICH's and Intel MPI's mpiexec
};
const char* name(Launcher launcher);

struct JobEnvironment {
  Launcher launcher = Launcher::none;
  int rank = 0;
  int size = 1;  // 0: the launcher does not say
  int local_rank = 0;
  std::string job_id;       // the resource manager's, "" outside one
  int allocated_tasks = 0;  // of the Slurm allocation this process is in; 0: none
  bool supervised = false;  // started by `rankflow run`, which reads events on rank 0's standard output

  /// Whether this process is one of the tasks of an MPI start. False in a batch script itself (it has
  /// SLURM_JOB_ID and no step) and in a step of one task, as an interactive shell under Slurm is: both may
  /// start MPI themselves.
  bool in_mpi_job() const;
};

using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

JobEnvironment job_environment(const EnvironmentLookup& lookup);
/// Of this process.
JobEnvironment job_environment();

/// Throws Error (configuration) where the launcher started several tasks but MPI made each a world of its
/// own: every one would run the whole pipeline. All tasks throw; the caller prints it where
/// `environment.rank` is 0.
void check_world(const JobEnvironment& environment, int world_size, int world_rank);

/// Throws Error (usage) where `--ranks` was given inside an MPI job: a second start under the first.
void check_not_nested(const JobEnvironment& environment, int ranks_asked);

/// The variable that tells rankflow-rank that a supervisor reads its events.
inline constexpr const char* supervised_variable = "RANKFLOW_SUPERVISED";

}  // namespace rankflow
