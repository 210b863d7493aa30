#include "base/partition.h"

#include <gtest/gtest.h>

namespace rankflow {
namespace {

TEST(Partition, CoversEverythingOnceInOrderAndEvenly) {
  for (std::int64_t total = 0; total < 40; ++total) {
    for (std::int64_t parts = 1; parts < 12; ++parts) {
      std::int64_t next = 0;
      for (std::int64_t i = 0; i < parts; ++i) {
        const Range r = partition(total, parts, i);
        EXPECT_EQ(r.begin, next);
        EXPECT_GE(r.size(), total / parts);
        EXPECT_LE(r.size(), ceil_div(total, parts));
        next = r.end;
      }
      EXPECT_EQ(next, total);
    }
  }
}

TEST(Partition, GivesTheFirstPartsOneMore) {
  EXPECT_EQ(partition(10, 4, 0), (Range{0, 3}));
  EXPECT_EQ(partition(10, 4, 1), (Range{3, 6}));
  EXPECT_EQ(partition(10, 4, 2), (Range{6, 8}));
  EXPECT_EQ(partition(10, 4, 3), (Range{8, 10}));
}

TEST(Partition, CountsBlocks) {
  EXPECT_EQ(ceil_div(0, 4), 0);
  EXPECT_EQ(ceil_div(1, 4), 1);
  EXPECT_EQ(ceil_div(4, 4), 1);
  EXPECT_EQ(ceil_div(5, 4), 2);
}

}  // namespace
}  // namespace rankflow
