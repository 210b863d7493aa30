#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "collectives/host_name.h"
#include "collectives/mpi_world.h"

namespace rankflow {
namespace {

TEST(SingleWorld, IsOneRankOnThisHost) {
  auto world = make_single_world();
  EXPECT_EQ(world->rank(), 0);
  EXPECT_EQ(world->size(), 1);
  EXPECT_EQ(world->local_rank(), 0);
  EXPECT_EQ(world->local_size(), 1);
  EXPECT_EQ(world->node(), 0);
  EXPECT_EQ(world->hosts(), std::vector<std::string>{host_name()});
  EXPECT_EQ(world->nodes(), std::vector<int>{0});
  EXPECT_EQ(world->all().size(), 1);
  world->finalize();
}

TEST(SingleWorld, MakesTheOneGroup) {
  auto world = make_single_world();
  EXPECT_EQ(world->make_group({0}, 5)->size(), 1);
  EXPECT_THROW(world->make_group({0, 1}, 5), Error);
  EXPECT_THROW(world->make_group({}, 5), Error);
}

TEST(SingleWorld, KeepsTheTwoMailboxesApartAndInOrder) {
  auto world = make_single_world();
  EXPECT_FALSE(world->poll_coordinator());
  EXPECT_FALSE(world->poll_worker());
  world->send_to_coordinator("first");
  world->send_to_coordinator("second");
  world->send_to_worker(0, "order");
  EXPECT_EQ(world->poll_worker()->text, "order");
  EXPECT_FALSE(world->poll_worker());
  const auto message = world->poll_coordinator();
  EXPECT_EQ(message->source, 0);
  EXPECT_EQ(message->text, "first");
  EXPECT_EQ(world->poll_coordinator()->text, "second");
  EXPECT_THROW(world->send_to_worker(1, "nobody"), Error);
}

TEST(SingleWorld, CarriesMessagesBetweenThreads) {
  auto world = make_single_world();
  constexpr int count = 10'000;
  std::thread coordinator([&] {
    for (int answered = 0; answered < count;) {
      if (auto m = world->poll_coordinator()) {
        world->send_to_worker(0, m->text);
        ++answered;
      }
    }
  });
  for (int i = 0; i < count; ++i) world->send_to_coordinator(str(i));
  for (int i = 0; i < count;) {
    const auto m = world->poll_worker();
    if (!m) continue;
    EXPECT_EQ(m->text, str(i++));
  }
  coordinator.join();
}

TEST(SingleWorldDeathTest, AbortExitsWithTheStatus) {
  // Tests of other files have threads; this style starts the program anew.
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(make_single_world()->abort(74), testing::ExitedWithCode(74), "");
}

}  // namespace
}  // namespace rankflow
