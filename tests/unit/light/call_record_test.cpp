#include "collectives/call_record.h"

#include <gtest/gtest.h>

#include <vector>

namespace rankflow {
namespace {

TEST(CallRecord, KnowsWhereEachGroupStands) {
  CallRecord record;
  const auto comm = make_recorded(make_self_communicator(), record, "7");
  std::vector<float> values(3);
  comm->all_reduce(std::span<float>(values), ReduceOp::sum);
  const auto now = record.now();
  ASSERT_EQ(now.size(), 1u);
  EXPECT_EQ(now[0].group, "7");
  EXPECT_EQ(now[0].call.number, 1);
  EXPECT_FALSE(now[0].inside);
  EXPECT_EQ(describe(now[0].call), "all_reduce(sum of 3 f32)");
}

TEST(CallRecord, OfACommunicatorTakesLinesBesideItsOwn) {
  CallRecord record;
  const auto comm = make_recorded(make_self_communicator(), record, "7");
  const Recording found = recording_of(*comm);
  ASSERT_EQ(found.record, &record);
  EXPECT_EQ(found.group, "7");
  const auto line = found.record->open(found.group + "/queued", 2);
  {
    const InsideCall inside(line.get(), bytes_call(Operation::device_work, 0));
    ASSERT_EQ(record.now().size(), 2u);
    EXPECT_TRUE(record.now()[1].inside);
    EXPECT_EQ(record.now()[1].ranks, 2);
  }
  EXPECT_FALSE(record.now()[1].inside);
}

TEST(CallRecord, IsNoneWhereNobodyKeepsOne) {
  const auto comm = make_self_communicator();
  EXPECT_EQ(recording_of(*comm).record, nullptr);
  const InsideCall inside(nullptr, bytes_call(Operation::barrier, 0));  // does nothing
}

}  // namespace
}  // namespace rankflow
