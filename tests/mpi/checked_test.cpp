#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>

#include "base/error.h"
#include "base/text.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

std::unique_ptr<Communicator> checked_group() {
  World& world = test_world();
  std::vector<int> ranks(static_cast<std::size_t>(world.size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  return make_checked(world.make_group(ranks, 0));
}

/// What every rank of a checked group is told when rank 0 calls `first` and the others `rest`; "" where it is
/// nothing.
template <typename First, typename Rest>
std::string complaint(First first, Rest rest) {
  auto group = checked_group();
  std::string message;
  try {
    if (group->rank() == 0)
      first(*group);
    else
      rest(*group);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::internal);
    message = e.message();
  }
  return message;
}

/// One rank has nobody to differ from.
void expect_both_sides(const std::string& message, const std::string& first, const std::string& rest) {
  if (test_world().size() == 1) {
    EXPECT_EQ(message, "");
    return;
  }
  EXPECT_THAT(message, HasSubstr(str("rank 0 makes ", first)));
  EXPECT_THAT(message, HasSubstr(str("rank 1 makes ", rest)));
}

TEST(Checked, MatchingCallsPass) {
  auto group = checked_group();
  const auto size = static_cast<std::size_t>(group->size());
  EXPECT_EQ(group->all_reduce_value(2, ReduceOp::sum), 2 * group->size());
  EXPECT_EQ(group->broadcast_text(group->rank() == 0 ? "from the root" : ""), "from the root");
  EXPECT_EQ(group->all_gather_text(str(group->rank())).size(), size);
  const std::vector<std::int64_t> sizes(size, 1);
  const char mine = 'x';
  std::string gathered(size, ' ');
  group->gather_unequal(&mine, sizes, gathered.data(), 0);
  if (group->rank() == 0) {
    EXPECT_EQ(gathered, std::string(size, 'x'));
  }
  group->barrier();
  group->close();
}

TEST(Checked, AnotherOperation) {
  const auto message = complaint([](Communicator& c) { c.all_reduce_value(1.0F, ReduceOp::sum); },
                                 [](Communicator& c) { c.barrier(); });
  expect_both_sides(message, "call 0 all_reduce(sum of 1 f32)", "call 0 barrier()");
}

TEST(Checked, AnotherCount) {
  std::array<float, 8> values{};
  const auto message =
      complaint([&](Communicator& c) { c.all_reduce(std::span(values).first(8), ReduceOp::sum); },
                [&](Communicator& c) { c.all_reduce(std::span(values).first(7), ReduceOp::sum); });
  expect_both_sides(message, "call 0 all_reduce(sum of 8 f32)", "call 0 all_reduce(sum of 7 f32)");
}

TEST(Checked, AnotherDtypeAndReduction) {
  const auto message = complaint([](Communicator& c) { c.all_reduce_value(1.0, ReduceOp::max); },
                                 [](Communicator& c) { c.all_reduce_value<std::int64_t>(1, ReduceOp::min); });
  expect_both_sides(message, "call 0 all_reduce(max of 1 f64)", "call 0 all_reduce(min of 1 i64)");
}

TEST(Checked, OtherPieces) {
  const auto size = static_cast<std::size_t>(test_world().size());
  std::vector<std::int64_t> first(size, 4), rest(size, 4);
  first.front() += 2, rest.back() += 2;
  std::vector<float> data(4 * size + 2);
  const auto reduce = [&](Communicator& c, const std::vector<std::int64_t>& counts) {
    c.reduce_scatter_unequal(data.data(), counts, DType::f32, ReduceOp::sum);
  };
  const auto message =
      complaint([&](Communicator& c) { reduce(c, first); }, [&](Communicator& c) { reduce(c, rest); });
  const auto begin = str("call 0 reduce_scatter(sum of ", data.size(), " f32, sizes hash ");
  expect_both_sides(message, begin, begin);
}

TEST(Checked, SplitGivesACheckedGroup) {
  auto group = checked_group();
  const auto part = group->split(0);
  if (part->size() == 1) return;
  EXPECT_THROW(part->rank() == 0 ? part->barrier() : part->close(), Error);
}

TEST(Checked, AnotherRoot) {
  int value = 0;
  const int last = test_world().size() - 1;
  const auto message = complaint([&](Communicator& c) { c.broadcast(&value, sizeof value, 0); },
                                 [&](Communicator& c) { c.broadcast(&value, sizeof value, last); });
  expect_both_sides(message, "call 0 broadcast(4 bytes from rank 0)",
                    str("call 0 broadcast(4 bytes from rank ", last));
}

TEST(Checked, OtherSizesOfTheSameTotal) {
  const auto size = static_cast<std::size_t>(test_world().size());
  std::vector<std::int64_t> first(size, 4), rest(size, 4);
  first.front() += 2, rest.back() += 2;
  const std::string in(8, 'x');
  std::string out(4 * size + 2, ' ');
  const auto message = complaint([&](Communicator& c) { c.all_gather_unequal(in.data(), first, out.data()); },
                                 [&](Communicator& c) { c.all_gather_unequal(in.data(), rest, out.data()); });
  expect_both_sides(message, str("call 0 all_gather_unequal(", out.size(), " bytes in all"),
                    str("call 0 all_gather_unequal(", out.size(), " bytes in all"));
}

TEST(Checked, ARankThatIsACallAhead) {
  auto group = checked_group();
  group->barrier();
  if (group->size() == 1) return;
  std::string message;
  try {
    if (group->rank() == 0)
      group->close();
    else
      group->barrier();
  } catch (const Error& e) {
    message = e.message();
  }
  expect_both_sides(message, "call 1 close()", "call 1 barrier()");
}

}  // namespace
}  // namespace rankflow
