#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace rankflow {
namespace {

TEST(Parallel, DoesEachItemOnce) {
  for (const int threads : {1, 3, 50}) {
    std::vector<std::atomic<int>> done(40);
    for_each_item(40, threads, [&](std::int64_t i) { ++done[static_cast<std::size_t>(i)]; });
    for (const auto& count : done) EXPECT_EQ(count, 1);
  }
  for_each_item(0, 4, [](std::int64_t) { FAIL(); });
}

TEST(Parallel, PassesOnTheFirstFailure) {
  for (const int threads : {1, 4}) {
    try {
      for_each_item(100, threads, [](std::int64_t i) {
        if (i >= 7) throw std::runtime_error(std::to_string(i));
      });
      FAIL() << "no failure";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "7");
    }
  }
}

}  // namespace
}  // namespace rankflow
