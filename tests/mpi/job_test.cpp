// Ways for a job to end. The disabled tests are run one by one by tests/integration/test_mpi_job.py, which
// looks at the job's exit code and output from outside.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

TEST(Job, HasTheRanksOfTheWorld) {
  EXPECT_EQ(test_world().all().size(), test_world().size());
}

TEST(Job, DISABLED_LastRankAbortsWhileTheOthersWait) {
  World& world = test_world();
  if (world.rank() == world.size() - 1) world.abort(74);
  world.all().barrier();
}

TEST(Job, DISABLED_LastRankFails) {
  EXPECT_LT(test_world().rank(), test_world().size() - 1);
}

TEST(Job, DISABLED_Skips) {
  GTEST_SKIP() << "as if something were missing";
}

TEST(Job, DISABLED_LeavesWithoutFinalize) {
  if (test_world().rank() == 0) std::exit(EXIT_SUCCESS);
  test_world().all().barrier();
}

}  // namespace
}  // namespace rankflow
