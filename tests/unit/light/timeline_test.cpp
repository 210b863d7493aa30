#include "base/timeline.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

namespace rankflow {
namespace {

nlohmann::json events(const Timeline& timeline) {
  return nlohmann::json::parse("[" + timeline.events_json(2) + "]");
}

TEST(Timeline, GivesTraceEvents) {
  Timeline timeline;
  timeline.add({"read \"x\"\n", "io", 1000, 25, 1});
  const auto all = events(timeline);
  ASSERT_EQ(all.size(), 2u);  // the first names the process
  EXPECT_EQ(all[0]["args"]["name"], "rank 2");
  EXPECT_EQ(all[1]["name"], "read \"x\" ");
  EXPECT_EQ(all[1]["ph"], "X");
  EXPECT_EQ(all[1]["ts"], 1000);
  EXPECT_EQ(all[1]["dur"], 25);
  EXPECT_EQ(all[1]["pid"], 2);
  EXPECT_EQ(all[1]["tid"], 1);
}

TEST(Timeline, CountsWhatItDrops) {
  Timeline timeline(2);
  for (int i = 0; i < 5; ++i) timeline.add({"x", "y", i, 1, 0});
  EXPECT_EQ(timeline.dropped(), 3u);
  EXPECT_EQ(events(timeline).size(), 3u);
}

TEST(Timeline, TakesSpansFromSeveralThreads) {
  Timeline timeline;
  const auto work = [&timeline] {
    for (int i = 0; i < 100; ++i) TimedSpan span(timeline, "batch", "train");
  };
  std::thread other(work);
  work();
  other.join();
  const auto all = events(timeline);
  ASSERT_EQ(all.size(), 201u);
  for (std::size_t i = 1; i < all.size(); ++i) EXPECT_GE(all[i]["dur"], 0);
}

}  // namespace
}  // namespace rankflow
