// Numbers of which each goes to one rank only, in shared memory and by messages.
#include "collectives/ticket_counter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "collectives/mailbox.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

class Tickets : public testing::TestWithParam<bool> {};

TEST_P(Tickets, EachNumberGoesToOneRank) {
  Communicator& all = test_world().all();
  const auto counter = make_ticket_counter(all, GetParam());
  std::vector<std::int64_t> mine;
  for (std::int64_t n = counter->take(); n < 1000; n = counter->take()) mine.push_back(n);
  EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
  auto everybodys = all.all_gather_vector<std::int64_t>(mine);
  std::sort(everybodys.begin(), everybodys.end());
  ASSERT_EQ(everybodys.size(), 1000u);
  for (std::int64_t n = 0; n < 1000; ++n) EXPECT_EQ(everybodys[static_cast<std::size_t>(n)], n);
  counter->close();
}

TEST_P(Tickets, NobodyGetsOneAfterTheEnd) {
  Communicator& all = test_world().all();
  const auto counter = make_ticket_counter(all, GetParam());
  if (all.rank() == all.size() - 1) {
    counter->take();
    counter->end();
    EXPECT_GE(counter->take(), TicketCounter::ended);
  }
  all.barrier();
  EXPECT_GE(counter->take(), TicketCounter::ended);
  counter->close();
}

INSTANTIATE_TEST_SUITE_P(, Tickets, testing::Values(false, true),
                         [](const auto& tested) { return tested.param ? "Served" : "Shared"; });

TEST(Mailbox, BringsMessagesInTheOrderOfTheirSender) {
  Communicator& all = test_world().all();
  const auto mailbox = open_mailbox(all);
  const int next = (all.rank() + 1) % all.size(), before = (all.rank() + all.size() - 1) % all.size();
  for (int i = 0; i < 3; ++i) mailbox->send(next, std::to_string(i));
  for (int i = 0; i < 3;) {  // CTest's time limit ends a test whose message never comes
    const auto message = mailbox->poll();
    if (!message) continue;
    EXPECT_EQ(message->source, before);
    EXPECT_EQ(message->text, std::to_string(i++));
  }
  mailbox->send(next, "nobody takes this one");
  mailbox->close();
}

}  // namespace
}  // namespace rankflow
