#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <numeric>
#include <random>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

/// Polls until a message is there. CTest's time limit ends a test whose message never comes.
Message wait_worker(World& world) {
  for (;;) {
    if (auto message = world.poll_worker()) return *message;
    std::this_thread::yield();
  }
}

Message wait_coordinator(World& world) {
  for (;;) {
    if (auto message = world.poll_coordinator()) return *message;
    std::this_thread::yield();
  }
}

std::vector<int> all_ranks(const World& world) {
  std::vector<int> ranks(static_cast<std::size_t>(world.size()));
  std::iota(ranks.begin(), ranks.end(), 0);
  return ranks;
}

TEST(World, KnowsItsHosts) {
  World& world = test_world();
  ASSERT_EQ(world.hosts().size(), static_cast<std::size_t>(world.size()));
  ASSERT_EQ(world.nodes().size(), static_cast<std::size_t>(world.size()));
  EXPECT_EQ(world.nodes()[0], 0) << "nodes are ordered by lowest rank";
  EXPECT_EQ(world.node(), world.nodes()[static_cast<std::size_t>(world.rank())]);
  EXPECT_EQ(std::count(world.nodes().begin(), world.nodes().end(), world.node()), world.local_size());
  const auto mine = world.nodes().begin() + world.rank();
  EXPECT_EQ(std::count(world.nodes().begin(), mine, world.node()), world.local_rank());
}

// Where the test is started on several hosts it says so: ranks per node, e.g. "2 2".
TEST(World, SeesTheNodesItWasStartedOn) {
  const char* text = std::getenv("RANKFLOW_EXPECTED_RANKS_PER_NODE");
  const World& world = test_world();
  std::vector<std::string> expected = text ? split(text, ' ') : std::vector<std::string>{str(world.size())};
  std::vector<std::string> found;
  const int nodes = *std::max_element(world.nodes().begin(), world.nodes().end()) + 1;
  for (int n = 0; n < nodes; ++n)
    found.push_back(str(std::count(world.nodes().begin(), world.nodes().end(), n)));
  EXPECT_EQ(found, expected);
}

TEST(World, AGroupHasItsMembersInOrder) {
  World& world = test_world();
  std::vector<int> odd_end;  // all but rank 0, or rank 0 alone where there is no other
  for (int r = world.size() > 1 ? 1 : 0; r < world.size(); ++r) odd_end.push_back(r);
  if (std::binary_search(odd_end.begin(), odd_end.end(), world.rank())) {
    auto group = world.make_group(odd_end, 7);
    EXPECT_EQ(group->size(), static_cast<int>(odd_end.size()));
    EXPECT_EQ(group->all_gather_value(world.rank()), odd_end);
    group->close();
  }
}

TEST(World, RefusesGroupsThatCannotBe) {
  World& world = test_world();
  EXPECT_THROW(world.make_group({}, 0), Error);
  EXPECT_THROW(world.make_group({world.size()}, 0), Error);
  EXPECT_THROW(world.make_group({-1, world.rank()}, 0), Error);
  EXPECT_THROW(world.make_group({world.rank(), world.rank()}, 0), Error);
  EXPECT_THROW(world.make_group({(world.rank() + 1) % world.size(), world.size()}, 0), Error);
  EXPECT_THROW(world.make_group(all_ranks(world), 32'001), Error);
}

TEST(World, RefusesAMessageToNoRank) {
  World& world = test_world();
  try {
    world.send_to_worker(world.size(), "nobody");
    FAIL() << "sent to a rank that is not there";
  } catch (const Error& e) {
    EXPECT_NE(e.message().find("MPI_Isend failed: MPI_ERR_RANK"), std::string::npos) << e.message();
  }
}

TEST(World, MessagesFromOneSenderComeInOrder) {
  World& world = test_world();
  constexpr int count = 500;
  for (int i = 0; i < count; ++i) world.send_to_coordinator(str(i));
  if (world.rank() == 0) {
    std::vector<int> next(static_cast<std::size_t>(world.size()), 0);
    for (int i = 0; i < count * world.size(); ++i) {
      const Message m = wait_coordinator(world);
      EXPECT_EQ(m.text, str(next[static_cast<std::size_t>(m.source)]++)) << "from rank " << m.source;
    }
  }
  EXPECT_FALSE(world.poll_worker()) << "a coordinator's message in the worker's mailbox";
  world.all().barrier();
}

TEST(World, LargeAndEmptyMessagesArriveWhole) {
  World& world = test_world();
  const std::string large(5'000'000, static_cast<char>('a' + world.rank() % 26));
  const int to = (world.rank() + 1) % world.size(), from = (world.rank() + world.size() - 1) % world.size();
  world.send_to_worker(to, large);
  world.send_to_worker(to, "");
  world.send_to_worker(to, "small");
  const Message first = wait_worker(world);
  EXPECT_EQ(first.source, from);
  EXPECT_TRUE(first.text == std::string(5'000'000, static_cast<char>('a' + from % 26)));
  EXPECT_EQ(wait_worker(world).text, "");
  EXPECT_EQ(wait_worker(world).text, "small");
  world.all().barrier();  // or the next test's messages come in between
}

/// Rank 0's coordinator: sends orders "tag rank rank …" to the members of changing subsets, each rank at most
/// a few orders ahead, and takes the answers. Ends with "stop".
void coordinate(World& world, int groups) {
  std::mt19937 random(1);
  const auto size = static_cast<std::size_t>(world.size());
  std::vector<int> finished(size, 0), ordered(size, 0);
  for (int g = 0; g < groups; ++g) {
    std::vector<int> members = all_ranks(world);
    std::shuffle(members.begin(), members.end(), random);
    members.resize(1 + random() % size);
    std::sort(members.begin(), members.end());
    std::string order = str(g);
    for (int m : members) order += str(" ", m);
    for (int m : members) {
      world.send_to_worker(m, order);
      ++ordered[static_cast<std::size_t>(m)];
    }
    while (auto answer = world.poll_coordinator()) ++finished[static_cast<std::size_t>(answer->source)];
  }
  while (finished != ordered) ++finished[static_cast<std::size_t>(wait_coordinator(world).source)];
  for (int r = 0; r < world.size(); ++r) world.send_to_worker(r, "stop");
}

TEST(World, HundredsOfGroupsUnderControlTraffic) {
  World& world = test_world();
  constexpr int groups = 400;
  std::thread coordinator;
  if (world.rank() == 0) coordinator = std::thread([&] { coordinate(world, groups); });
  for (;;) {
    const std::string order = wait_worker(world).text;
    if (order == "stop") break;
    std::vector<int> members;
    for (const auto& word : split(order, ' ')) members.push_back(std::stoi(word));
    const int tag = members.front();
    members.erase(members.begin());
    auto group = world.make_group(members, tag);
    const int sum = group->all_reduce_value(world.rank() + 1, ReduceOp::sum);
    EXPECT_EQ(sum, std::accumulate(members.begin(), members.end(), static_cast<int>(members.size())));
    group->close();
    world.send_to_coordinator(str("done ", tag));
  }
  if (coordinator.joinable()) coordinator.join();
}

TEST(World, ADroppedGroupDoesNotDisturbTheNext) {
  World& world = test_world();
  { auto dropped = world.make_group(all_ranks(world), 1); }
  auto group = world.make_group(all_ranks(world), 1);
  EXPECT_EQ(group->all_reduce_value(1, ReduceOp::sum), world.size());
  group->close();
}

// Left for finalize() to take in: the program must end although nobody reads these.
TEST(World, UnreadMessagesDoNotKeepTheWorldFromEnding) {
  World& world = test_world();
  world.send_to_worker((world.rank() + 1) % world.size(), std::string(5'000'000, 'x'));
  world.send_to_coordinator("unread");
}

}  // namespace
}  // namespace rankflow
