// The trainer against plain PyTorch: the same data, initial weights and settings give the same losses, batch by
// batch, in float64 (tests/make_training_fixture.py made the numbers).
#include <gtest/gtest.h>

#include <cmath>

#include "io/json.h"
#include "steps/learning_rate.h"
#include "steps/linear.h"
#include "tests/toy_dataset.h"
#include "tests/training_harness.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

const Json& fixture() {
  static const Json json = read_json(RANKFLOW_SOURCE_DIR "/tests/unit/heavy/training_fixture.json");
  return json;
}

/// The formulas of make_training_fixture.py.
ToyDataset fixture_data(const std::string& model) {
  const std::int64_t rows = fixture().at("rows");
  ToyDataset toy = toy_frame(rows, model != "linear", {"a", "b", "c"});
  const int width = model == "mlp" ? 4 : 2;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (int j = 0; j < width; ++j)
      toy.features.push_back(static_cast<float>((7 * i + 13 * j + i * j) % 17 - 8) / 8);
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x)
        toy.images.push_back(static_cast<std::uint8_t>((31 * i + 17 * y + 11 * x + i * x * y) % 256));
    }
    toy.categories.insert(toy.categories.end(), {1 + i % 2, (3 * i + i / 5) % 4});
    toy.classes.push_back((5 * i + i / 3) % 3);
    if (model == "linear") toy.numbers.push_back(static_cast<float>(11 * i % 23) / 4);
  }
  std::vector<ColumnInfo> columns;
  if (model == "cnn") {
    columns.push_back({"images", DType::u8, {1, 8, 8}});
  } else {
    columns.push_back({"features", DType::f32, {width}});
    toy.info.schema["features"] = toy_features(width);
  }
  if (model == "tabular") {
    columns.push_back({"categories", DType::i64, {2}});
    toy.info.schema["categories"] = {{{"name", "a"}, {"vocabulary", {"p", "q"}}},
                                     {{"name", "b"}, {"vocabulary", {"u", "v", "w"}}}};
  }
  add_columns(toy, std::move(columns));
  return toy;
}

Json model_keys(const std::string& model) {
  if (model == "linear") return {{"type", "linear"}};
  if (model == "cnn") return {{"type", "cnn"}, {"channels", {4}}, {"hidden", 8}};
  return {{"type", model}, {"hidden", {8}}};
}

void initial_weights(Model& model) {
  torch::NoGradGuard no_grad;
  std::int64_t k = 0;
  for (auto& p : model.parameters()) {
    const at::Tensor e = torch::arange(p.numel(), at::kDouble);
    p.copy_((0.3 * torch::sin(1 + 0.7 * static_cast<double>(k++) + 0.37 * e)).reshape(p.sizes()));
  }
}

TEST(TrainingEquality, EveryLossIsPyTorchs) {
  TemporaryFolder folder;
  const auto comm = make_self_communicator();
  for (const Json& expected : fixture().at("cases")) {
    const std::string name = expected.at("name"), model = expected.at("model");
    fixture_data(model).write(folder / name);
    Json keys = expected.at("keys");
    keys.update({{"model", model_keys(model)},
                 {"precision", "float64"},
                 {"epochs", fixture().at("epochs")},
                 {"batch_size", fixture().at("batch_size")},
                 {"shuffle", false}});
    const Trained trained =
        train_directly(*comm, keys, folder / name, folder / (name + " run"), initial_weights);
    const auto losses = expected.at("losses").get<std::vector<double>>();
    ASSERT_EQ(trained.losses.size(), losses.size()) << name;
    ASSERT_GE(losses.size(), 100u);
    for (std::size_t i = 0; i < losses.size(); ++i)
      ASSERT_NEAR(trained.losses[i], losses[i], 1e-10) << name << ", batch " << i;
    double sum = 0;
    for (const auto& p : trained.model->parameters()) {
      const at::Tensor places = torch::arange(1, p.numel() + 1, at::kDouble).reshape(p.sizes());
      sum += (p.detach() * places).sum().item<double>();
    }
    const double weights = expected.at("weighted_sum_of_weights");
    EXPECT_NEAR(sum, weights, 1e-8 * std::abs(weights)) << name;
  }
}

TEST(TrainingEquality, EveryLearningRateIsPyTorchs) {
  const std::int64_t epochs = fixture().at("epochs");
  int schedules = 0;
  for (const Json& expected : fixture().at("cases")) {
    if (!expected.at("keys").contains("schedule")) continue;
    ++schedules;
    const Json keys = parameters_of("train", {{"model", {{"type", "linear"}}},
                                              {"schedule", expected.at("keys").at("schedule")},
                                              {"optimizer", expected.at("keys").at("optimizer")}});
    const auto rates = expected.at("learning_rates").get<std::vector<double>>();
    const LearningRate rate(keys.at("schedule"), keys.at("optimizer").at("learning_rate"),
                            static_cast<std::int64_t>(rates.size()) / epochs, epochs);
    for (std::size_t i = 0; i < rates.size(); ++i)
      ASSERT_NEAR(rate.at(static_cast<std::int64_t>(i)), rates[i], 1e-12)
          << expected.at("name") << ", step " << i;
  }
  EXPECT_EQ(schedules, 4);
}

TEST(LearningRate, AWarmUpInEpochsAndAWarmUpThatNeverEnds) {
  const Json constant = {
      {"type", "constant"}, {"warm_up_epochs", 0.5}, {"warm_up_steps", 3}, {"warm_up_start", 0.0}};
  const LearningRate rate(constant, 2.0, 10, 2);
  EXPECT_EQ(rate.warm_up_steps(), 8);
  EXPECT_DOUBLE_EQ(rate.at(0), 0.0);
  EXPECT_DOUBLE_EQ(rate.at(4), 1.0);
  EXPECT_DOUBLE_EQ(rate.at(8), 2.0);
  EXPECT_THROW(LearningRate(constant, 2.0, 2, 2), Error);
}

TEST(LearningRate, OneCycleOfAFewSteps) {
  const Json cycle = {{"type", "one_cycle"}, {"rise", 0.3}, {"start", 0.1}, {"final", 0.0}};
  EXPECT_DOUBLE_EQ(LearningRate(cycle, 1.0, 1, 1).at(0), 1.0);
  const LearningRate two(cycle, 1.0, 2, 1);
  EXPECT_DOUBLE_EQ(two.at(0), 1.0);
  EXPECT_DOUBLE_EQ(two.at(1), 0.0);
}

TEST(MovingAverage, FollowsAndSwaps) {
  at::Tensor values = torch::zeros({3});
  MovingAverage average(values, 0.5);
  values.fill_(11);
  average.update(1);  // d = min(0.5, 2 / 11)
  EXPECT_NEAR(average.average()[0].item<float>(), 9, 1e-5);
  average.swap();
  EXPECT_NEAR(values[2].item<float>(), 9, 1e-5);
  EXPECT_EQ(average.average()[0].item<float>(), 11);
  average.swap();
  EXPECT_EQ(values[0].item<float>(), 11);
}

TEST(Linear, AddsToGradientsThatAreThereAndIsTorchsOtherwise) {
  torch::manual_seed(1);
  Linear ours(5, 3);
  torch::nn::Linear theirs(5, 3);
  {
    torch::NoGradGuard no_grad;
    for (std::size_t i = 0; i < 2; ++i) theirs->parameters()[i].copy_(ours->parameters()[i]);
  }
  int told = 0;
  const auto accumulator = torch::autograd::impl::grad_accumulator(ours->weight);
  struct Count : torch::autograd::FunctionPostHook {
    explicit Count(int& n) : calls(n) {}
    torch::autograd::variable_list operator()(const torch::autograd::variable_list& outputs,
                                              const torch::autograd::variable_list&) override {
      ++calls;
      return outputs;
    }
    int& calls;
  };
  accumulator->add_post_hook(std::make_unique<Count>(told));
  for (int pass = 1; pass <= 3; ++pass) {  // the first makes the gradients, the others add to them
    const at::Tensor input = torch::randn({7, 5}), a = input.clone().requires_grad_(),
                     b = input.clone().requires_grad_();
    const at::Tensor out_a = ours(a), out_b = theirs(b);
    EXPECT_TRUE(torch::equal(out_a, out_b));
    out_a.square().sum().backward();
    out_b.square().sum().backward();
    EXPECT_TRUE(torch::equal(a.grad(), b.grad()));
    for (std::size_t i = 0; i < 2; ++i)
      EXPECT_TRUE(torch::allclose(ours->parameters()[i].grad(), theirs->parameters()[i].grad(), 1e-5, 1e-5))
          << pass;
    EXPECT_EQ(told, pass) << "who waits for a gradient is told";
  }
}

TEST(WeightDecay, LeavesOutWhatTheRulesName) {
  const at::Tensor vector = torch::zeros({4}), matrix = torch::zeros({4, 4});
  const auto excluded = [](Json rules, const std::string& name, const at::Tensor& p) {
    return excluded_from_decay({{"weight_decay_excludes", std::move(rules)}}, name, p);
  };
  EXPECT_FALSE(excluded(Json::array(), "a.bias", vector));
  EXPECT_TRUE(excluded({"bias"}, "layers.0.bias", vector));
  EXPECT_TRUE(excluded({"bias"}, "bias", vector));
  EXPECT_FALSE(excluded({"bias"}, "unbias", vector));
  EXPECT_TRUE(excluded({"norm"}, "norm.weight", vector));
  EXPECT_FALSE(excluded({"norm"}, "linear.weight", matrix));
  EXPECT_FALSE(excluded({"norm"}, "linear.bias", vector));
  EXPECT_TRUE(excluded({"norm", "embeddings_*"}, "embeddings_3.weight", matrix));
  EXPECT_FALSE(excluded({"embeddings_*"}, "layers.0.weight", matrix));
}

TEST(FlatParameters, KeepsApartWhatIsAskedForAndLeavesFrozenOnesAlone) {
  torch::nn::Sequential model(torch::nn::Linear(3, 5), torch::nn::Linear(5, 2));
  model->ptr(0)->as<torch::nn::Linear>()->bias.set_requires_grad(false);
  const auto before = model->parameters()[0].clone();
  const FlatParameters flat(*model, 2,
                            [](const std::string& name, const at::Tensor&) { return name == "0.weight"; });
  ASSERT_EQ(flat.slots().size(), 3u);
  EXPECT_EQ(flat.slots()[0].name, "1.weight");
  EXPECT_EQ(flat.slots()[2].name, "0.weight");
  EXPECT_EQ(flat.together(), (Range{0, 32}));
  EXPECT_EQ(flat.apart(), (Range{32, 48}));
  EXPECT_EQ(flat.reduced().numel(), 16 + 48);
  EXPECT_TRUE(torch::equal(flat.values().slice(0, 32, 47).reshape({5, 3}), before));
  EXPECT_FALSE(model->parameters()[1].grad().defined());
  model->forward(torch::ones({1, 3})).sum().backward();
  EXPECT_EQ(flat.gradients()[32].item<float>(), model->parameters()[0].grad()[0][0].item<float>());
  EXPECT_NE(flat.gradients().abs().sum().item<float>(), 0);
}

}  // namespace
}  // namespace rankflow
