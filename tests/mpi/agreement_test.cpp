#include "collectives/agreement.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

TEST(RunTogether, ReturnsWhereAllSucceed) {
  Communicator& all = test_world().all();
  int calls = 0;
  run_together(all, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(RunTogether, TheFailedRankThrowsItsOwnErrorAndTheOthersNameIt) {
  Communicator& all = test_world().all();
  const int failing = all.size() - 1;
  const auto work = [&] {
    if (all.rank() == failing) throw Error(ExitStatus::bad_data, "line 3 has no number", "mend it");
  };
  try {
    run_together(all, work);
    FAIL() << "nothing was thrown";
  } catch (const PeerFailed& e) {
    EXPECT_NE(all.rank(), failing);
    EXPECT_EQ(e.rank(), failing);
  } catch (const Error& e) {
    EXPECT_EQ(all.rank(), failing);
    EXPECT_EQ(e.message(), "line 3 has no number");
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
  }
}

TEST(RunTogether, PeersNameTheLowestOfSeveral) {
  Communicator& all = test_world().all();
  const auto work = [&] {
    if (all.rank() > 0 || all.size() == 1) throw std::runtime_error("not an Error of ours");
  };
  if (all.rank() > 0 || all.size() == 1) {
    EXPECT_THROW(run_together(all, work), std::runtime_error);
    return;
  }
  try {
    run_together(all, work);
    FAIL() << "nothing was thrown";
  } catch (const PeerFailed& e) {
    EXPECT_EQ(e.rank(), 1);
  }
}

TEST(RunTogether, TheCommunicatorIsStillGoodAfterAFailure) {
  Communicator& all = test_world().all();
  EXPECT_ANY_THROW(run_together(all, [] { throw 1; }));
  EXPECT_EQ(all.all_reduce_value(1, ReduceOp::sum), all.size());
}

}  // namespace
}  // namespace rankflow
