#include "steps/backward_hooks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <stdexcept>

#include "base/error.h"

namespace rankflow {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class BackwardHooksTest : public testing::Test {
 protected:
  /// Parameters with gradients that lie ready, as those of a flat buffer do.
  BackwardHooksTest() {
    for (auto& p : parameters_) p.mutable_grad() = torch::zeros({2});
  }
  at::Tensor& a() { return parameters_[0]; }
  at::Tensor& b() { return parameters_[1]; }

  std::vector<at::Tensor> parameters_ = {torch::tensor({1.0F, 2.0F}, at::requires_grad()),
                                         torch::tensor({3.0F, 4.0F}, at::requires_grad())};
  std::vector<std::size_t> called_;
};

TEST_F(BackwardHooksTest, CalledWhenTheGradientIsThere) {
  std::vector<float> seen;
  BackwardHooks hooks(parameters_, [&](std::size_t i) {
    called_.push_back(i);
    seen.push_back(parameters_[i].grad()[0].item<float>());
  });
  (a() * b()).sum().backward();
  EXPECT_THAT(called_, UnorderedElementsAre(0, 1));
  EXPECT_THAT(seen, UnorderedElementsAre(1.0F, 3.0F));
}

TEST_F(BackwardHooksTest, ReverseOrderOfUse) {
  BackwardHooks hooks(parameters_, [&](std::size_t i) { called_.push_back(i); });
  const auto x = torch::ones({2}, at::requires_grad());
  (((x * a()).relu()) * b()).sum().backward();
  EXPECT_THAT(called_, ElementsAre(1, 0));
}

TEST_F(BackwardHooksTest, OnceForAParameterThatIsUsedSeveralTimes) {
  float seen = 0;
  BackwardHooks hooks(parameters_, [&](std::size_t i) {
    called_.push_back(i);
    if (i == 0) seen = a().grad()[0].item<float>();
  });
  ((a() * b()).relu() * a() + a()).sum().backward();
  EXPECT_THAT(called_, UnorderedElementsAre(0, 1));
  EXPECT_EQ(seen, 2 * 1 * 3 + 1) << "all uses had been added";
}

TEST_F(BackwardHooksTest, NotForAParameterThatIsNotUsed) {
  BackwardHooks hooks(parameters_, [&](std::size_t i) { called_.push_back(i); });
  a().sum().backward();
  EXPECT_THAT(called_, ElementsAre(0));
}

TEST_F(BackwardHooksTest, OnceForEveryPass) {
  BackwardHooks hooks(parameters_, [&](std::size_t i) { called_.push_back(i); });
  for (int pass = 0; pass < 3; ++pass) a().sum().backward();
  EXPECT_THAT(called_, ElementsAre(0, 0, 0));
  EXPECT_EQ(a().grad()[0].item<float>(), 3);
}

TEST_F(BackwardHooksTest, GoneWithTheirOwner) {
  {
    BackwardHooks hooks(parameters_, [&](std::size_t i) { called_.push_back(i); });
  }
  (a() * b()).sum().backward();
  EXPECT_TRUE(called_.empty());
}

TEST_F(BackwardHooksTest, WhatTheyThrowComesOutOfBackward) {
  BackwardHooks hooks(parameters_,
                      [](std::size_t) { throw Error(ExitStatus::internal, "the network is gone"); });
  EXPECT_THROW(a().sum().backward(), Error);
}

TEST_F(BackwardHooksTest, RefusesWhatIsNotTrained) {
  const std::vector<at::Tensor> frozen = {torch::zeros({2})};
  const std::vector<at::Tensor> computed = {a() * 2};
  EXPECT_THROW(BackwardHooks(frozen, [](std::size_t) {}), Error);
  EXPECT_THROW(BackwardHooks(computed, [](std::size_t) {}), Error);
}

}  // namespace
}  // namespace rankflow
