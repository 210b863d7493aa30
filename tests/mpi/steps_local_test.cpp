// DiLoCo: ranks that take steps of their own, and one together after each round.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <limits>

#include "base/error.h"
#include "steps/flat_parameters.h"
#include "steps/local_steps.h"
#include "tests/mpi/steps_harness.h"
#include "tests/training_harness.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

Json rounds_of(int batches, double learning_rate, double momentum) {
  return {{"batches", batches}, {"outer_learning_rate", learning_rate}, {"outer_momentum", momentum}};
}

// The mean of weights that each went along its own gradient once is the weights gone along the mean gradient.
TEST_F(Steps, TheMeanOfWeightsAfterOneLocalStepIsThatOfOneJointStep) {
  // 64 rows a batch and 320 in all: every rank's share is the same, so that a mean over ranks is a mean over rows.
  const auto clouds = write("clouds", toy_clouds(320, 3, 1));
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {16}}}},
               {"epochs", 3},
               {"batch_size", 64},
               {"accumulate", 2},
               {"precision", "float64"},
               {"optimizer", {{"type", "sgd"}, {"momentum", 0.0}, {"learning_rate", 0.1}}}};
  const auto joint = train_directly(*alone_, keys, clouds, own_ + "/joint");
  keys["local_steps"] = rounds_of(1, 1, 0);
  const auto local = train_directly(all_, keys, clouds, shared_ + "/local");
  expect_near(joint.weights(), local.weights(), 1e-12);
  EXPECT_NEAR(joint.result.history.back().at("train_loss").get<double>(),
              local.result.history.back().at("train_loss").get<double>(), 1e-12);
}

// Momentum is linear in the gradients too, and a mean of states goes on as the state of the mean does.
TEST_F(Steps, TheInnerOptimizersStateIsBroughtTogetherToo) {
  const auto clouds = write("clouds", toy_clouds(320, 3, 1));
  Json keys = {{"model", {{"type", "linear"}}},
               {"epochs", 3},
               {"batch_size", 64},
               {"precision", "float64"},
               {"optimizer", {{"type", "sgd"}, {"momentum", 0.9}, {"learning_rate", 0.1}}}};
  const auto joint = train_directly(*alone_, keys, clouds, own_ + "/joint").weights();
  keys["local_steps"] = rounds_of(1, 1, 0);
  expect_near(joint, train_directly(all_, keys, clouds, shared_ + "/local").weights(), 1e-12);
}

// As torch.optim.SGD(lr=0.7, momentum=0.9, nesterov=True) does with the mean way as the gradient, by hand.
TEST_F(Steps, TheOuterStepIsNesterovs) {
  torch::nn::Linear layer(torch::nn::LinearOptions(1, 1).bias(false));
  layer->to(at::kDouble);
  const FlatParameters parameters(*layer, 1, [](const std::string&, const at::Tensor&) { return false; });
  const Json sgd = {{"type", "sgd"}, {"momentum", 0.5}, {"nesterov", false}, {"weight_decay", 0.0}};
  const auto inner = make_optimizer(sgd, parameters.values(), parameters.gradients(),
                                    {{Range{0, parameters.values().numel()}, false}});
  LocalSteps local(all_, rounds_of(4, 0.7, 0.9), parameters, *inner);
  at::Tensor weight = parameters.values().narrow(0, 0, 1), inner_state = inner->state()[0].tensor;
  const double mean_rank = (all_.size() - 1) / 2.0;
  weight.fill_(10);
  local.begin();
  double expected = 10, momentum = 0;
  for (int round = 0; round < 3; ++round) {
    weight.sub_(1.0 + all_.rank());  // each rank goes another way
    inner_state.fill_(all_.rank());
    local.leave_way();
    EXPECT_DOUBLE_EQ(parameters.gradients()[0].item<double>(), 1.0 + all_.rank());
    all_.all_reduce(parameters.gradients().data_ptr(), 1, DType::f64, ReduceOp::sum);
    local.step();
    momentum = 0.9 * momentum + (1 + mean_rank);
    expected -= 0.7 * (1 + mean_rank + 0.9 * momentum);
    EXPECT_NEAR(weight.item<double>(), expected, 1e-12) << "round " << round;
    EXPECT_NEAR(inner_state[0].item<double>(), mean_rank, 1e-12);
  }
}

TEST_F(Steps, RoundsEndAfterTheirBatchesAndWithTheEpoch) {
  torch::nn::Linear layer(torch::nn::LinearOptions(1, 1).bias(false));
  const FlatParameters parameters(*layer, 1, [](const std::string&, const at::Tensor&) { return false; });
  const Json sgd = {{"type", "sgd"}, {"momentum", 0.0}, {"nesterov", false}, {"weight_decay", 0.0}};
  const auto inner = make_optimizer(sgd, parameters.values(), parameters.gradients(), {});
  const LocalSteps local(all_, rounds_of(4, 0.7, 0.9), parameters, *inner);
  std::vector<int> ends;
  for (int done = 1; done <= 10; ++done) {
    if (local.round_ends(done, 10)) ends.push_back(done);
  }
  EXPECT_THAT(ends, testing::ElementsAre(4, 8, 10));
}

// The numbers of rows make shares unequal, and the last batch of an epoch has fewer rows than there are ranks.
Json long_rounds() {
  return {{"model", {{"type", "mlp"}, {"hidden", {16}}}},
          {"epochs", 4},
          {"batch_size", 50},
          {"optimizer", {{"type", "adamw"}, {"learning_rate", 0.01}}},
          {"local_steps", rounds_of(4, 0.7, 0.9)}};
}

TEST_F(Steps, AStoppedTrainingWithLocalStepsGoesOnToTheSameBits) {
  const auto data = write("clouds", toy_clouds(502, 3, 1));
  StepRun whole(all_, "train", long_rounds(), shared_ + "/whole", {{"train", data}});
  whole.run();
  StepRun first(all_, "train", long_rounds(), shared_ + "/parts", {{"train", data}});
  first.run_until_stopped_after(13);  // two batches into epoch 2: its round ends two later
  all_.barrier();
  if (all_.rank() == 0)
    std::filesystem::copy(shared_ + "/parts", own_ + "/parts", std::filesystem::copy_options::recursive);
  StepRun second(all_, "train", long_rounds(), shared_ + "/parts", {{"train", data}});
  second.run();
  EXPECT_EQ(floats(whole.output()), floats(second.output()));
  if (all_.rank() == 0) {
    EXPECT_THAT(second.report.notes,
                testing::Contains(HasSubstr("goes on from the checkpoint after 15 batches")));
    StepRun rest(*alone_, "train", long_rounds(), own_ + "/parts", {{"train", data}});
    rest.run();  // on another number of ranks
    EXPECT_LT(rest.report.results.at("train_loss").get<double>(), 0.5);
  }
  all_.barrier();
}

TEST_F(Steps, AllRanksEndTogetherWhereOneMetALossThatIsNotFinite) {
  ToyDataset toy = toy_clouds(320, 3, 1);
  Json keys = long_rounds();
  keys["shuffle"] = false;
  keys["batch_size"] = 32;
  toy.features[4 * (32 * 5 + 3)] =
      std::numeric_limits<float>::quiet_NaN();  // batch 6, the first rank's share
  const auto data = write("clouds", toy);
  StepRun run(all_, "train", keys, shared_ + "/t", {{"train", data}});
  try {
    run.run();
    FAIL() << "trained on NaN";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    EXPECT_THAT(e.message(), HasSubstr("loss is not finite at epoch 1, batch 6: 1 of 32 rows"));
  }
}

}  // namespace
}  // namespace rankflow
