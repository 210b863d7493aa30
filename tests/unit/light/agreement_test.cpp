#include "collectives/agreement.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace rankflow {
namespace {

TEST(RunTogetherOnOneRank, RunsOnceAndReturns) {
  auto comm = make_self_communicator();
  int calls = 0;
  run_together(*comm, [&] { ++calls; });
  EXPECT_EQ(calls, 1);
}

TEST(RunTogetherOnOneRank, PassesTheOwnExceptionOn) {
  auto comm = make_self_communicator();
  EXPECT_THROW(run_together(*comm, [] { throw std::out_of_range("row 7"); }), std::out_of_range);
  EXPECT_THROW(run_together(*comm, [] { throw 7; }), int);
  try {
    run_together(*comm, [] { throw Error(ExitStatus::io, "disk full", "free space"); });
    FAIL() << "nothing was thrown";
  } catch (const PeerFailed&) {
    FAIL() << "the failed rank is not a peer of itself";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::io);
    EXPECT_EQ(e.hint(), "free space");
  }
}

TEST(PeerFailed, NamesTheRank) {
  const PeerFailed e(3);
  EXPECT_EQ(e.rank(), 3);
  EXPECT_EQ(e.message(), "rank 3 of the group failed");
  EXPECT_EQ(e.status(), ExitStatus::step_failed);
}

}  // namespace
}  // namespace rankflow
