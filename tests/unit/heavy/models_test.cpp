// The larger built-in models: gradients against finite differences, rows that don't depend on each other, data that
// don't fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"
#include "steps/model.h"
#include "steps/precision.h"
#include "tests/unit/heavy/train_fixture.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

ModelInput images(std::int64_t channels, std::int64_t size) {
  ModelInput input;
  input.image = {channels, size, size};
  input.outputs = 3;
  input.columns = "images, target, row";
  return input;
}

ModelInput table() {
  ModelInput input;
  input.features = 3;
  input.vocabularies = {4, 5};
  input.outputs = 3;
  input.columns = "features, categories, target, row";
  return input;
}

Batch random_batch(const ModelInput& input, std::int64_t rows) {
  Batch batch;
  batch.rows = rows;
  if (!input.image.empty())
    batch.images = torch::rand({rows, input.image[0], input.image[1], input.image[2]}, at::kDouble);
  if (input.features > 0) batch.features = torch::randn({rows, input.features}, at::kDouble);
  if (!input.vocabularies.empty()) batch.categories = torch::randint(0, 4, {rows, 2}, at::kLong);
  return batch;
}

std::shared_ptr<Model> model_of(const Json& keys, const ModelInput& input) {
  const auto model = make_model(parameters_of("train", {{"model", keys}}).at("model"), input);
  convert_floating(*model, at::kDouble);
  return model;
}

struct Case {
  const char* name;
  Json keys;
  ModelInput input;
};

std::vector<Case> cases() {
  const Json transformer = {
      {"type", "transformer"}, {"patch", 4}, {"width", 8}, {"heads", 2}, {"feed_forward", 12}};
  return {{"small resnet", {{"type", "resnet"}, {"blocks", {1, 2}}, {"channels", 3}}, images(2, 8)},
          {"large stem",
           {{"type", "resnet"}, {"blocks", {1, 1}}, {"channels", 3}, {"stem", "large"}},
           images(1, 16)},
          {"patches", transformer, images(2, 8)},
          {"tokens", transformer, table()}};
}

TEST(Models, GradientsAreThoseOfFiniteDifferences) {
  for (const auto& [name, keys, input] : cases()) {
    torch::manual_seed(3);
    const auto model = model_of(keys, input);
    const Batch batch = random_batch(input, 5);
    const at::Tensor weights = torch::randn({5, 3}, at::kDouble);
    const auto loss = [&] { return (model->forward(batch) * weights).sum(); };
    loss().backward();
    torch::NoGradGuard no_grad;
    constexpr double step = 1e-6;
    for (const auto& item : model->named_parameters()) {
      at::Tensor p = item.value();
      const at::Tensor direction = torch::randn_like(p), before = p.clone();
      p.copy_(before + step * direction);
      const double above = loss().item<double>();
      p.copy_(before - step * direction);
      const double below = loss().item<double>();
      p.copy_(before);
      const double slope = (above - below) / (2 * step),
                   expected = (p.grad() * direction).sum().item<double>();
      EXPECT_NEAR(slope, expected, 1e-5 * (1 + std::abs(expected))) << name << ": " << item.key();
    }
  }
}

TEST(Models, ARowsOutputsDependOnNoOtherRow) {
  for (const auto& [name, keys, input] : cases()) {
    const auto model = model_of(keys, input);
    model->eval();
    torch::NoGradGuard no_grad;
    const Batch batch = random_batch(input, 6);
    const at::Tensor all = model->forward(batch);
    Batch one;
    one.rows = 1;
    const auto row = [](const at::Tensor& column) {
      return column.defined() ? column.narrow(0, 4, 1) : column;
    };
    one.images = row(batch.images), one.features = row(batch.features),
    one.categories = row(batch.categories);
    EXPECT_TRUE(torch::allclose(model->forward(one), all.narrow(0, 4, 1), 1e-10, 1e-12)) << name;
    EXPECT_EQ(all.sizes(), (std::vector<std::int64_t>{6, 3})) << name;
  }
}

TEST(Models, NamesAndSizesOfResnet18) {
  const auto model =
      model_of({{"type", "resnet"}, {"blocks", {2, 2, 2, 2}}, {"channels", 64}}, images(3, 224));
  const auto parameters = model->named_parameters();
  EXPECT_EQ(parameters["layer2.0.downsample.0.weight"].sizes(), (std::vector<std::int64_t>{128, 64, 1, 1}));
  std::int64_t total = 0;
  for (const auto& p : parameters) total += p.value().numel();
  EXPECT_EQ(total, 11'689'512 - (1000 - 3) * 513);  // torchvision's resnet18 has 1,000 outputs
}

TEST(Models, RefuseDataThatDoNotFit) {
  const auto message = [](const Json& keys, const ModelInput& input) -> std::string {
    try {
      model_of(keys, input);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "";
  };
  EXPECT_THAT(message({{"type", "resnet"}}, table()), HasSubstr("images"));
  EXPECT_THAT(message({{"type", "resnet"}, {"blocks", {1, 1, 1, 1, 1}}}, images(1, 8)),
              HasSubstr("to nothing"));
  EXPECT_THAT(message({{"type", "transformer"}, {"patch", 3}}, images(1, 8)), HasSubstr("do not tile"));
  EXPECT_THAT(message({{"type", "transformer"}, {"width", 30}}, table()), HasSubstr("no multiple"));
  EXPECT_THAT(message({{"type", "exported"}}, table()), HasSubstr("input model"));
  EXPECT_THAT(message({{"type", "plugin"}, {"name", "x"}}, table()), HasSubstr("input model"));
}

TEST_F(Train, ResnetAndTransformerLearnImages) {
  toy_images(400, 1).write(folder_ / "images");
  toy_images(200, 2).write(folder_ / "images_test");
  for (const Json& model :
       {Json{{"type", "resnet"}, {"blocks", {1, 1}}, {"channels", 4}},
        Json{{"type", "transformer"}, {"patch", 4}, {"width", 16}, {"feed_forward", 32}}}) {
    const std::string name = model.at("type");
    auto step = prepare(name,
                        {{"model", model},
                         {"epochs", 10},
                         {"batch_size", 32},
                         {"optimizer", {{"type", "adamw"}, {"learning_rate", 0.003}}}},
                        "images", "images_test");
    step.run();
    EXPECT_GT(step.report.results.at("validation_accuracy"), 0.95) << name;
    StepRun evaluation(*comm_, "evaluate", Json::object(), folder_ / (name + "_metrics"),
                       {{"model", step.output()}, {"data", folder_ / "images_test"}});
    evaluation.run();
    EXPECT_NEAR(evaluation.report.results.at("accuracy"), step.report.results.at("validation_accuracy"), 1e-9)
        << name;
  }
}

}  // namespace
}  // namespace rankflow
