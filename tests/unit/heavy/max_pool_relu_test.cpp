// Pooling and ReLU in one pass: outputs and gradients of PyTorch's own two operations, to the bit.
#include "steps/max_pool_relu.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>

namespace rankflow {
namespace {

struct Both {
  at::Tensor out, gradient;
};

/// Output, and gradient of the sum of its squares: every output's gradient is another.
template <typename Layer>
Both apply(const at::Tensor& images, const Layer& layer) {
  const at::Tensor leaf = images.detach().clone(at::MemoryFormat::Preserve).requires_grad_();
  const at::Tensor out = layer(leaf);
  out.flatten(1).square().sum().backward();
  return {out.detach(), leaf.grad()};
}

void expect_as_pytorch(const at::Tensor& images) {
  const Both ours = apply(images, max_pool_relu);
  const Both theirs = apply(images, [](const at::Tensor& x) { return at::relu(at::max_pool2d(x, 2)); });
  EXPECT_TRUE(at::equal(ours.out.nan_to_num(77), theirs.out.nan_to_num(77)));
  EXPECT_TRUE(at::equal(ours.gradient.nan_to_num(77), theirs.gradient.nan_to_num(77)));
  EXPECT_EQ(ours.out.scalar_type(), images.scalar_type());
}

at::Tensor random_images(at::IntArrayRef sizes, at::ScalarType type) {
  // Few different values, so that many are equal and many are zero.
  return torch::randint(-3, 4, sizes, at::kFloat).to(type).contiguous(at::MemoryFormat::ChannelsLast);
}

class MaxPoolReluTest : public testing::TestWithParam<at::ScalarType> {};

TEST_P(MaxPoolReluTest, EvenAndOddSizesAndChannels) {
  torch::manual_seed(1);
  for (const std::int64_t channels : {1, 3, 32, 67}) {
    for (const std::int64_t height : {2, 5, 28}) {
      for (const std::int64_t width : {2, 3, 28})
        expect_as_pytorch(random_images({3, channels, height, width}, GetParam()));
    }
  }
}

TEST_P(MaxPoolReluTest, NotANumberIsNotHidden) {
  torch::manual_seed(2);
  for (std::int64_t pixel = 0; pixel < 4; ++pixel) {
    at::Tensor images = random_images({2, 5, 4, 4}, GetParam());
    images.index_put_({1, 2, pixel / 2, pixel % 2}, std::numeric_limits<double>::quiet_NaN());
    EXPECT_TRUE(max_pool_relu(images).isnan().any().item<bool>());
    expect_as_pytorch(images);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, MaxPoolReluTest, testing::Values(at::kFloat, at::kDouble, at::kBFloat16),
                         [](const auto& type) { return std::string(at::toString(type.param)); });

TEST(MaxPoolRelu, OtherMemoryFormatsTakePyTorchsOwnOperations) {
  torch::manual_seed(3);
  expect_as_pytorch(torch::randn({2, 4, 6, 6}));
}

}  // namespace
}  // namespace rankflow
