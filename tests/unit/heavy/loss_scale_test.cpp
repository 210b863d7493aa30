#include "steps/loss_scale.h"

#include <gtest/gtest.h>

namespace rankflow {
namespace {

void finite(LossScale& scale, int batches) {
  for (int i = 0; i < batches; ++i) scale.update(true);
}

TEST(LossScale, IsHalvedByAnInfiniteGradient) {
  LossScale scale;
  EXPECT_EQ(scale.value(), 65536);
  scale.update(false);
  scale.update(false);
  EXPECT_EQ(scale.value(), 16384);
}

TEST(LossScale, IsDoubledAfterTwoThousandFiniteOnesInARow) {
  LossScale scale;
  finite(scale, 1999);
  scale.update(false);
  finite(scale, 1999);
  EXPECT_EQ(scale.value(), 32768);
  finite(scale, 1);
  EXPECT_EQ(scale.value(), 65536);
  finite(scale, 2000);
  EXPECT_EQ(scale.value(), 131072);
}

TEST(LossScale, GoesOnFromACheckpoint) {
  LossScale scale;
  scale.update(false);
  finite(scale, 1500);
  LossScale again = LossScale::from_json(scale.to_json());
  finite(again, 499);
  EXPECT_EQ(again.value(), 32768);
  finite(again, 1);
  EXPECT_EQ(again.value(), 65536);
}

TEST(LossScale, IsExhaustedWhereEvenATinyOneGivesInfinity) {
  LossScale scale;
  for (int i = 0; i < 32; ++i) scale.update(false);
  EXPECT_FALSE(scale.exhausted());
  scale.update(false);
  EXPECT_TRUE(scale.exhausted());
}

}  // namespace
}  // namespace rankflow
