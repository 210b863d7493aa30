#include "io/time_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace rankflow {
namespace {

using ::testing::ElementsAre;

TEST(TimeText, EqualTimesAreEqualTexts) {
  for (const char* same :
       {"2024-05-31T21:59:00.25Z", "2024-05-31 21:59:00.250", "2024-05-31T23:59:00,25+02:00",
        "2024-06-01 01:29:00.2500+0330", "2024-05-31 17:59:00.25-04"})
    EXPECT_THAT(comparable_times({same}), ElementsAre("2024-05-31 21:59:00.25")) << same;
  EXPECT_THAT(comparable_times({"2024-05-31", "2024-05-31T00:00", "2024-05-31 00:00:00.000"}),
              ElementsAre("2024-05-31 00:00:00", "2024-05-31 00:00:00", "2024-05-31 00:00:00"));
  EXPECT_THAT(comparable_times({"1969-12-31T23:30:00-01:00", "1969-12-31 23:59:59"}),
              ElementsAre("1970-01-01 00:30:00", "1969-12-31 23:59:59"));
}

TEST(TimeText, TextsSortAsTimesDo) {
  const std::vector<std::string> ascending =
      comparable_times({"2024-05-31", "2024-05-31T00:00:00.001", "2024-05-31 00:00:01",
                        "2024-06-01T00:30+01:00", "2024-05-31T23:30:00.5Z", "2024-06-01"});
  EXPECT_TRUE(std::is_sorted(ascending.begin(), ascending.end())) << ::testing::PrintToString(ascending);
}

TEST(TimeText, WhatIsNoTimeStaysAsItIs) {
  EXPECT_THAT(comparable_times({"2024-05", "soon", "", "2024-05-31T10:00:00", "2024-05-31T10:00:00+99:00"}),
              ElementsAre("2024-05", "soon", "", "2024-05-31 10:00:00", "2024-05-31T10:00:00+99:00"));
  EXPECT_THAT(comparable_times({}), ElementsAre());
}

}  // namespace
}  // namespace rankflow
