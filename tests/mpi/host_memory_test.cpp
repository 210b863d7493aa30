// Memory that ranks of one host share.
#include "collectives/host_memory.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/mpi/test_world.h"

namespace rankflow {
namespace {

TEST(HostMemory, WhatOneRankWritesTheOthersRead) {
  Communicator& all = test_world().all();
  std::string why;
  const std::size_t size = 3 * 4096 + 64;
  const auto memory = HostMemory::make(all, size, why);
  ASSERT_TRUE(memory) << why;
  ASSERT_EQ(memory->size(), size);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory->data()) % 4096, 0u);
  auto* numbers = reinterpret_cast<int*>(memory->data());
  for (std::size_t i = 0; i < size / sizeof(int); ++i) ASSERT_EQ(numbers[i], 0) << i;
  all.barrier();
  numbers[all.rank()] = all.rank() + 1;
  if (all.rank() == all.size() - 1) memory->data()[size - 1] = std::byte{7};
  all.barrier();
  for (int r = 0; r < all.size(); ++r) EXPECT_EQ(numbers[r], r + 1);
  EXPECT_EQ(memory->data()[size - 1], std::byte{7});
}

TEST(HostMemory, IsAnotherOneEachTime) {
  Communicator& all = test_world().all();
  std::string why;
  const auto a = HostMemory::make(all, 64, why), b = HostMemory::make(all, 64, why);
  ASSERT_TRUE(a && b) << why;
  a->data()[0] = std::byte{1};
  all.barrier();
  EXPECT_EQ(b->data()[0], std::byte{0});
}

TEST(HostMemory, WhatTheSystemDoesNotGiveIsSaidOnAllRanks) {
  Communicator& all = test_world().all();
  std::string why;
  EXPECT_FALSE(HostMemory::make(all, std::size_t{1} << 60, why));
  EXPECT_NE(why.find("shared memory: "), why.npos) << why;
}

}  // namespace
}  // namespace rankflow
