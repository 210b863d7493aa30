#include "launchers/job_environment.h"

#include <charconv>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

// Variables of a launcher, in the order in which launchers are recognised: mpirun inside a Slurm allocation
// sets both its own and Slurm's, and its own count.
struct Variables {
  Launcher launcher;
  const char* present;  // and this one too, or null
  const char* rank;
  const char* size;  // null: not told
  const char* local_rank;
};

constexpr Variables table[] = {
    {Launcher::open_mpi, nullptr, "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
     "OMPI_COMM_WORLD_LOCAL_RANK"},
    // A batch script has SLURM_PROCID, but only srun's tasks have SLURM_STEP_ID.
    {Launcher::slurm, "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"},
    {Launcher::slurm, "SLURM_STEP_ID", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
    {Launcher::pmi, nullptr, "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    {Launcher::pmix, nullptr, "PMIX_RANK", nullptr, "PMIX_LOCAL_RANK"},
};

std::optional<int> number(const EnvironmentLookup& lookup, const char* variable) {
  if (!variable) return std::nullopt;
  const auto text = lookup(variable);
  if (!text) return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

const char* name(Launcher launcher) {
  switch (launcher) {
    case Launcher::none:
      return "none";
    case Launcher::open_mpi:
      return "mpirun";
    case Launcher::slurm:
      return "srun";
    case Launcher::pmix:
      return "a PMIx launcher";
    case Launcher::pmi:
      return "mpiexec (hydra)";
  }
  return "?";
}

bool JobEnvironment::in_mpi_job() const {
  return launcher != Launcher::none && !(launcher == Launcher::slurm && size == 1);
}

JobEnvironment job_environment(const EnvironmentLookup& lookup) {
  JobEnvironment job;
  job.job_id = lookup("SLURM_JOB_ID").value_or("");
  if (!job.job_id.empty()) job.allocated_tasks = number(lookup, "SLURM_NTASKS").value_or(0);
  job.supervised = lookup(supervised_variable).value_or("") == "1";
  for (const auto& variables : table) {
    const auto rank = number(lookup, variables.rank);
    if (!rank || (variables.present && !lookup(variables.present))) continue;
    const auto size = number(lookup, variables.size);
    if (variables.size && !size) continue;
    job.launcher = variables.launcher;
    job.rank = *rank;
    job.size = size.value_or(0);
    job.local_rank = number(lookup, variables.local_rank).value_or(0);
    break;
  }
  return job;
}

JobEnvironment job_environment() {
  return job_environment([](const std::string& variable) -> std::optional<std::string> {
    const char* value = std::getenv(variable.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
  });
}

void check_world(const JobEnvironment& environment, int world_size, int world_rank) {
  if (environment.size <= 1 || world_size != 1) return;
  const std::string hint = environment.launcher == Launcher::slurm
                               ? "srun --mpi=pmix (srun --mpi=list shows what this Slurm offers), or "
                                 "rankflow run -n N in the batch script"
                               : "the mpirun that belongs to the MPI library of rankflow-rank (ldd "
                                 "rankflow-rank | grep mpi), or rankflow run -n N";
  throw Error(ExitStatus::configuration,
              str(name(environment.launcher), " started ", environment.size,
                  " tasks, but to MPI each is alone (task ", environment.rank, " is rank ", world_rank,
                  " of 1): all ", environment.size,
                  " would run the whole pipeline side by side. Launcher and MPI library do not fit together"),
              hint);
}

void check_not_nested(const JobEnvironment& environment, int ranks_asked) {
  if (ranks_asked <= 0 || environment.supervised || !environment.in_mpi_job()) return;
  throw Error(ExitStatus::usage,
              str("--ranks ", ranks_asked, " inside a job that ", name(environment.launcher),
                  " started already: every one of its tasks would start ", ranks_asked, " ranks of its own"),
              str("either ", name(environment.launcher),
                  " … rankflow run PIPELINE without --ranks, or rankflow run -n ", ranks_asked,
                  " PIPELINE by itself"));
}

}  // namespace rankflow
