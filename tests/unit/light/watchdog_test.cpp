// Who is said to hang, and when, from made-up signs of life at made-up times.
#include "runtime/watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rankflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr double kLimit = 30;

Call gradients(std::int64_t number) {
  Call call = reduction_call(Operation::all_reduce, 669706, DType::f32, ReduceOp::sum);
  call.number = number;
  return call;
}

Call agreement(std::int64_t number) {
  Call call = bytes_call(Operation::agreement, 0);
  call.number = number;
  return call;
}

class WatchdogTest : public testing::Test {
 protected:
  /// A sign of life from a rank that is in (or came back from) `call` for `seconds`.
  void beat(int rank, double now, const Call& call, bool inside, double seconds) {
    watchdog_.heartbeat(
        rank, {{"step", "train"}, {"calls", Json::array({to_json(CallStatus{"7", call, inside, seconds})})}},
        now);
  }
  /// Ranks 0, 1 and 3 wait in call 118 since `since`; rank 2 came back from call 117 just before.
  void two_is_missing(double now, double since) {
    for (int r : {0, 1, 3}) beat(r, now, gradients(118), true, now - since);
    beat(2, now, gradients(117), false, now - since + 1);
  }

  Watchdog watchdog_{{"a", "a", "b", "b"}, kLimit, 0};
};

TEST_F(WatchdogTest, NothingToSayAboutRanksThatWork) {
  for (double now = 1; now < 100; ++now) {
    for (int r = 0; r < 4; ++r) beat(r, now, gradients(static_cast<std::int64_t>(now)), false, 0.1);
    const auto found = watchdog_.look(now);
    EXPECT_THAT(found.silent, IsEmpty());
    EXPECT_EQ(found.collective + found.warning + found.hang, "");
  }
}

TEST_F(WatchdogTest, ASilentRankIsNamedThenEndsTheJob) {
  two_is_missing(1, 1);
  for (int r : {0, 1, 3}) beat(r, 10, gradients(118), true, 9);
  auto found = watchdog_.look(10);
  EXPECT_THAT(found.silent, ElementsAre(2));
  EXPECT_EQ(found.step, "train");
  EXPECT_EQ(found.hang, "");
  EXPECT_THAT(found.collective, HasSubstr("rank 2 has not entered call 118"));

  for (int r : {0, 1, 3}) beat(r, 31.5, gradients(118), true, 30.5);
  EXPECT_EQ(
      watchdog_.look(31.5).hang,
      "rank 2 (b) has given no sign of life for 30.5 s, last seen in step \"train\"; rank 2 has not entered "
      "call 118, all_reduce(sum of 669706 f32), in which ranks 0, 1, 3 have waited for 30.5 s (rank 2 came "
      "back from call 117, all_reduce(sum of 669706 f32) 31.5 s ago)");
}

TEST_F(WatchdogTest, ARankThatLivesButNeverComesEndsTheJobToo) {
  two_is_missing(29, 0);
  EXPECT_EQ(watchdog_.look(29).hang, "");
  two_is_missing(31, 0);
  const auto found = watchdog_.look(31);
  EXPECT_THAT(found.silent, IsEmpty());
  EXPECT_THAT(found.hang, StartsWith("step \"train\" hangs: rank 2 has not entered call 118"));
}

TEST_F(WatchdogTest, WarnsOnceOfALongWait) {
  two_is_missing(14, 0);
  EXPECT_EQ(watchdog_.look(14).warning, "");
  two_is_missing(16, 0);
  EXPECT_THAT(watchdog_.look(16).warning, HasSubstr("rank 2 has not entered"));
  two_is_missing(17, 0);
  EXPECT_EQ(watchdog_.look(17).warning, "");
}

TEST_F(WatchdogTest, AHelperThatDoesNothingIsNamedThenEndsTheJob) {
  const auto look = [&](double silent) {
    watchdog_.heartbeat(2, {{"step", "script"}, {"helper_silent", silent}}, 1);
    return watchdog_.look(1);
  };
  EXPECT_EQ(look(14).warning, "");
  EXPECT_EQ(look(16).warning,
            "the helper process that starts programs for rank 2 (b) has given no sign of life for 16.0 s");
  EXPECT_EQ(look(17).warning, "");
  EXPECT_EQ(look(0).hang, "");
  EXPECT_THAT(look(31).hang, HasSubstr("programs for rank 2 (b) has given no sign of life for 31.0 s"));
}

TEST_F(WatchdogTest, LocalWorkOfOthersMayTakeAnyTime) {
  for (double now : {20.0, 1000.0, 100'000.0}) {
    for (int r : {1, 2, 3}) beat(r, now, agreement(5), true, now);
    beat(0, now, gradients(4), false, now);
    const auto found = watchdog_.look(now);
    EXPECT_EQ(found.hang, "");
    EXPECT_EQ(found.warning.empty(), now > 20) << "one warning";
    EXPECT_THAT(found.collective, HasSubstr("rank 0 has not entered call 5, agreement()"));
  }
}

TEST_F(WatchdogTest, ACallThatAllEnteredAndNobodyLeaves) {
  for (int r = 0; r < 4; ++r) beat(r, 40, gradients(9), true, r == 2 ? 20 : 39);
  EXPECT_EQ(watchdog_.look(40).hang, "") << "from when the last one entered";
  for (int r = 0; r < 4; ++r) beat(r, 51, gradients(9), true, r == 2 ? 31 : 50);
  EXPECT_EQ(
      watchdog_.look(51).hang,
      "step \"train\" hangs: ranks 0, 1, 2, 3 are all in call 9, all_reduce(sum of 669706 f32) for 31.0 "
      "s, and it "
      "does not end");
}

TEST_F(WatchdogTest, WhoLeftACallEarlyOwesNothing) {
  beat(0, 10, bytes_call(Operation::broadcast, 8, 0), false, 9);
  Call call = bytes_call(Operation::broadcast, 8, 0);
  call.number = 3;
  beat(0, 10, call, false, 9);
  beat(1, 10, call, true, 9);
  EXPECT_THAT(watchdog_.look(10).collective, HasSubstr("rank 1 is in call 3"));
}

TEST_F(WatchdogTest, GroupsAreJudgedApart) {
  watchdog_.heartbeat(0, {{"step", "a"}, {"calls", Json::array({to_json({"1", gradients(50), true, 31})})}},
                      31);
  watchdog_.heartbeat(1, {{"step", "b"}, {"calls", Json::array({to_json({"2", gradients(3), false, 31})})}},
                      31);
  watchdog_.heard(2, 31);
  watchdog_.heard(3, 31);
  EXPECT_THAT(watchdog_.look(31).hang, Not(HasSubstr("rank 1")));
}

TEST_F(WatchdogTest, ARankThatWasNeverHeardOfInTheGroupIsCounted) {
  watchdog_.heartbeat(
      0, {{"step", "train"}, {"calls", Json::array({to_json({"7", gradients(50), true, 0, 3})})}}, 0);
  watchdog_.heartbeat(
      1, {{"step", "train"}, {"calls", Json::array({to_json({"7", gradients(50), true, 0, 3})})}}, 0);
  const auto text = watchdog_.look(30).collective;
  EXPECT_THAT(text, HasSubstr("ranks 0, 1 have waited for 30"));
  EXPECT_THAT(text, HasSubstr("which 1 of its 3 ranks has not been heard of in"));
}

}  // namespace
}  // namespace rankflow
