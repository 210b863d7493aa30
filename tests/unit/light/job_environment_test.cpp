#include "launchers/job_environment.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace rankflow {
namespace {

JobEnvironment read(std::map<std::string, std::string> variables) {
  return job_environment(
      [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      });
}

TEST(JobEnvironment, nothing_set_is_one_process_alone) {
  const auto job = read({});
  EXPECT_EQ(job.launcher, Launcher::none);
  EXPECT_FALSE(job.in_mpi_job());
  EXPECT_EQ(job.size, 1);
  EXPECT_EQ(job.allocated_tasks, 0);
}

TEST(JobEnvironment, mpirun_inside_slurm_counts_its_own_ranks) {
  const auto job = read({{"OMPI_COMM_WORLD_RANK", "3"},
                         {"OMPI_COMM_WORLD_SIZE", "4"},
                         {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                         {"PMIX_RANK", "3"},
                         {"SLURM_JOB_ID", "77"},
                         {"SLURM_PROCID", "0"},
                         {"SLURM_NTASKS", "16"}});
  EXPECT_EQ(job.launcher, Launcher::open_mpi);
  EXPECT_EQ(job.rank, 3);
  EXPECT_EQ(job.size, 4);
  EXPECT_EQ(job.local_rank, 1);
  EXPECT_EQ(job.job_id, "77");
  EXPECT_TRUE(job.in_mpi_job());
}

TEST(JobEnvironment, one_rank_under_mpirun_is_a_job) {
  EXPECT_TRUE(read({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}).in_mpi_job());
}

TEST(JobEnvironment, a_batch_script_is_no_mpi_job_but_knows_its_tasks) {
  const auto job =
      read({{"SLURM_JOB_ID", "77"}, {"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "16"}, {"SLURM_LOCALID", "0"}});
  EXPECT_EQ(job.launcher, Launcher::none);
  EXPECT_FALSE(job.in_mpi_job());
  EXPECT_EQ(job.allocated_tasks, 16);
}

TEST(JobEnvironment, srun_tells_the_tasks_of_its_step) {
  const auto job = read({{"SLURM_JOB_ID", "77"},
                         {"SLURM_STEP_ID", "0"},
                         {"SLURM_PROCID", "5"},
                         {"SLURM_LOCALID", "1"},
                         {"SLURM_NTASKS", "16"},
                         {"SLURM_STEP_NUM_TASKS", "8"}});
  EXPECT_EQ(job.launcher, Launcher::slurm);
  EXPECT_EQ(job.rank, 5);
  EXPECT_EQ(job.size, 8);
  EXPECT_EQ(job.local_rank, 1);
  EXPECT_TRUE(job.in_mpi_job());
}

TEST(JobEnvironment, an_interactive_shell_under_slurm_may_start_ranks) {
  const auto job = read({{"SLURM_JOB_ID", "77"},
                         {"SLURM_STEP_ID", "4294967290"},
                         {"SLURM_PROCID", "0"},
                         {"SLURM_STEP_NUM_TASKS", "1"}});
  EXPECT_FALSE(job.in_mpi_job());
  EXPECT_NO_THROW(check_not_nested(job, 4));
}

TEST(JobEnvironment, hydra_and_pmix) {
  EXPECT_EQ(read({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}).launcher, Launcher::pmi);
  const auto pmix = read({{"PMIX_RANK", "1"}});
  EXPECT_EQ(pmix.launcher, Launcher::pmix);
  EXPECT_EQ(pmix.size, 0) << "PMIx tells no size";
  EXPECT_TRUE(pmix.in_mpi_job());
}

TEST(JobEnvironment, values_that_are_no_numbers_are_not_believed) {
  for (const char* wrong : {"", "x", "-1", "3x", "99999999999999999999"}) {
    EXPECT_EQ(read({{"OMPI_COMM_WORLD_RANK", wrong}, {"OMPI_COMM_WORLD_SIZE", "2"}}).launcher, Launcher::none)
        << wrong;
  }
  EXPECT_EQ(read({{"OMPI_COMM_WORLD_RANK", "0"}}).launcher, Launcher::none) << "a rank without a size";
}

TEST(JobEnvironment, singletons_are_refused) {
  const auto job = read({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "4"}});
  EXPECT_NO_THROW(check_world(job, 4, 2));
  try {
    check_world(job, 1, 0);
    FAIL() << "four singletons passed";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    EXPECT_EQ(e.message(),
              "srun started 4 tasks, but to MPI each is alone (task 2 is rank 0 of 1): all 4 would run the "
              "whole pipeline "
              "side by side. Launcher and MPI library do not fit together");
    EXPECT_NE(e.hint().find("--mpi=pmix"), std::string::npos);
  }
  EXPECT_NO_THROW(check_world(read({{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "1"}}), 1, 0));
}

TEST(JobEnvironment, a_second_start_under_the_first_is_refused) {
  std::map<std::string, std::string> variables = {{"OMPI_COMM_WORLD_RANK", "0"},
                                                  {"OMPI_COMM_WORLD_SIZE", "2"}};
  EXPECT_NO_THROW(check_not_nested(read(variables), 0));
  try {
    check_not_nested(read(variables), 4);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::usage);
  }
  variables[supervised_variable] = "1";
  EXPECT_NO_THROW(check_not_nested(read(variables), 4)) << "the supervisor's own ranks get its arguments";
}

}  // namespace
}  // namespace rankflow
