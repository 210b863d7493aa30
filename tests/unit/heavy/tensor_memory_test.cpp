#include "steps/tensor_memory.h"

#include <ATen/ops/empty.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace rankflow {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

class TensorMemoryTest : public testing::Test {
 protected:
  TensorMemory& memory_ = tensor_memory();

  void SetUp() override { memory_.release(); }
  void TearDown() override { memory_.release(); }
};

TEST_F(TensorMemoryTest, TheNextTensorOfThatSizeGetsTheSameMemory) {
  auto first = memory_.allocate(5 * mib);
  void* const place = first.get();
  first.clear();
  EXPECT_EQ(memory_.kept(), 5 * mib);
  const auto other = memory_.allocate(7 * mib), again = memory_.allocate(5 * mib);
  EXPECT_NE(other.get(), place);
  EXPECT_EQ(again.get(), place);
  EXPECT_EQ(memory_.kept(), 0u);
}

TEST_F(TensorMemoryTest, AlmostTheSameSizeSharesABlock) {
  memory_.allocate(16 * mib - 100);
  EXPECT_EQ(memory_.kept(), 16 * mib);
  memory_.allocate(16 * mib - 5000);
  EXPECT_EQ(memory_.kept(), 16 * mib) << "no second block";
}

TEST_F(TensorMemoryTest, SmallTensorsAreNoneOfItsBusiness) {
  memory_.allocate(TensorMemory::smallest - 1);
  memory_.allocate(0);
  EXPECT_EQ(memory_.kept(), 0u);
}

TEST_F(TensorMemoryTest, KeepsNoMoreThanWasInUseAtOnce) {
  for (std::size_t size = 2; size <= 64; ++size) memory_.allocate(size * mib);
  EXPECT_EQ(memory_.kept(), 64 * mib) << "the last one alone";
}

TEST_F(TensorMemoryTest, ReleaseGivesAllBack) {
  auto held = memory_.allocate(3 * mib);
  memory_.allocate(4 * mib);
  memory_.release();
  EXPECT_EQ(memory_.kept(), 0u);
  held.clear();
  EXPECT_EQ(memory_.kept(), 3 * mib) << "what was held is kept from now on";
}

TEST_F(TensorMemoryTest, IsAlignedForHugePages) {
  const auto data = memory_.allocate(9 * mib + 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(data.get()) % (2 * mib), 0u);
}

TEST_F(TensorMemoryTest, RawPointersOfAnySizeGoBackToo) {
  // As LibTorch's kernels do for their scratch space.
  void* const small = memory_.raw_allocate(100);
  void* const large = memory_.raw_allocate(3 * mib);
  memory_.raw_deallocate(small);
  EXPECT_EQ(memory_.kept(), 0u);
  memory_.raw_deallocate(large);
  EXPECT_EQ(memory_.kept(), 3 * mib);
}

TEST_F(TensorMemoryTest, HoldsTheTensorsOfTheProcess) {
  void* const place = at::empty({3 * static_cast<std::int64_t>(mib)}, at::kFloat).data_ptr();
  EXPECT_EQ(memory_.kept(), 12 * mib);
  EXPECT_EQ(at::empty({3 * static_cast<std::int64_t>(mib)}, at::kFloat).data_ptr(), place);
}

TEST_F(TensorMemoryTest, NoMemoryIsAnErrorThatSaysSo) {
  memory_.allocate(3 * mib);
  const auto held = memory_.allocate(2 * mib);
  try {
    memory_.allocate(std::size_t{1} << 60);
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), testing::HasSubstr("out of memory"));
    EXPECT_THAT(e.message(), testing::HasSubstr("with 2.1 MB of tensors in use"));
  }
  EXPECT_EQ(memory_.kept(), 0u) << "what was kept was given back in the attempt";
}

TEST_F(TensorMemoryTest, ThreadsMayAllocateAndFreeAtTheSameTime) {
  const auto work = [&] {
    for (int i = 0; i < 300; ++i) {
      auto data = memory_.allocate((2 + static_cast<std::size_t>(i % 3)) * mib);
      static_cast<char*>(data.get())[0] = 'x';
    }
  };
  std::jthread one(work), other(work);
  one.join(), other.join();
  EXPECT_LE(memory_.kept(), 2 * 4 * mib);
}

}  // namespace
}  // namespace rankflow
