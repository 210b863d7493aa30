#include "launchers/event_lines.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace rankflow {
namespace {

struct Taken {
  std::vector<Json> events;
  std::string noise;
  EventLineReader reader{[this](const Json& e) { events.push_back(e); },
                         [this](std::string_view n) { noise += n; }};
};

TEST(EventLines, what_is_written_is_read) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EventLineWriter writer(ends[1]);
  const Json event = {{"event", "note"}, {"text", "a \"line\"\nof two, \xC3\xA4 and a broken byte"}};
  writer.on_event(event);
  writer.on_event({{"event", "heartbeat"}});
  close(ends[1]);
  char buffer[4096];
  const auto got = read(ends[0], buffer, sizeof buffer);
  close(ends[0]);
  Taken taken;
  for (ssize_t i = 0; i < got; ++i) taken.reader.feed({buffer + i, 1});
  ASSERT_EQ(taken.events.size(), 2u);
  EXPECT_EQ(taken.events[0], event);
  EXPECT_EQ(taken.events[1].at("event"), "heartbeat");
  EXPECT_EQ(taken.noise, "");
}

TEST(EventLines, noise_is_kept_apart) {
  Taken taken;
  taken.reader.feed(
      "mpirun says\nhalf a line\x1e{\"event\":\"note\"}\n\x1e{broken\n{\"event\":\"unmarked\"}\nunfin");
  taken.reader.feed("ished");
  taken.reader.end();
  ASSERT_EQ(taken.events.size(), 1u);
  EXPECT_EQ(taken.noise, "mpirun says\nhalf a line\n\x1e{broken\n{\"event\":\"unmarked\"}\nunfinished\n");
}

}  // namespace
}  // namespace rankflow
