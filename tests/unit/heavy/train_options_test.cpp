// The options of the train step on one rank: what each does, that they resume together, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/json.h"
#include "tests/unit/heavy/train_fixture.h"

namespace rankflow {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST_F(Train, BestByAccuracyKeepsTheEpochWithTheHighest) {
  auto step = prepare("a",
                      {{"model", small_mlp},
                       {"epochs", 8},
                       {"select", "best"},
                       {"primary_metric", "validation_accuracy"},
                       {"optimizer", {{"type", "sgd"}, {"learning_rate", 2.0}}}},
                      "clouds", "clouds_test");
  step.run();
  const Json model = read_json(step.output() + "/model.json");
  double highest = 0;
  for (const auto& epoch : model.at("history"))
    highest = std::max(highest, epoch.at("validation_accuracy").get<double>());
  EXPECT_EQ(model.at("metrics").at("validation_accuracy"), highest);
}

TEST_F(Train, EarlyStoppingEndsWhereNothingImproves) {
  const Json keys = {{"model", {{"type", "linear"}}},
                     {"epochs", 40},
                     {"early_stopping", {{"patience", 3}, {"min_delta", 0.02}}}};
  auto step = prepare("a", keys, "clouds", "clouds_test");
  step.run();
  const Json history = read_json(step.output() + "/model.json").at("history");
  ASSERT_LT(history.size(), 40u);
  double mark = 1e9;
  std::size_t since = 0;
  for (const auto& epoch : history) {
    const double loss = epoch.at("validation_loss");
    EXPECT_LT(since, 3u) << "ended too late";
    if (loss < mark - 0.02)
      mark = loss, since = 0;
    else
      ++since;
  }
  EXPECT_EQ(since, 3u) << "ended too early";
  EXPECT_THAT(step.report.notes, Contains(HasSubstr("stopped early")));
}

TEST_F(Train, EveryOptionTogetherStopsAndGoesOnWithTheSameBytes) {
  const Json keys = {{"model", small_mlp},
                     {"epochs", 6},
                     {"batch_size", 64},
                     {"accumulate", 3},
                     {"clip_norm", 0.5},
                     {"ema", {{"decay", 0.9}}},
                     {"label_smoothing", 0.1},
                     {"class_weights", "balanced"},
                     {"select", "best"},
                     {"early_stopping", {{"patience", 2}}},
                     {"schedule", {{"type", "cosine"}, {"warm_up_epochs", 1}}},
                     {"optimizer", {{"type", "adamw"}, {"weight_decay_excludes", {"bias"}}}}};
  const auto make = [&](const std::string& to) { return prepare(to, keys, "clouds", "clouds_test"); };
  make("whole").run();
  run_with_stops([&] { return make("parts"); }, {3, 5, 1, 8});
  EXPECT_EQ(weights("whole"), weights("parts"));
  EXPECT_EQ(read_json(folder_ / "whole/model/model.json"), read_json(folder_ / "parts/model/model.json"));
}

TEST_F(Train, AThreadThatAssemblesAheadChangesNothing) {
  const auto train = [&](const std::string& prefetch) {
    prepare(prefetch, {{"model", small_mlp}, {"epochs", 2}, {"accumulate", 2}, {"prefetch", prefetch}},
            "clouds")
        .run();
    return weights(prefetch);
  };
  EXPECT_EQ(train("always"), train("never"));
}

TEST_F(Train, TheAverageOfTheWeightsIsValidatedAndKept) {
  const Json keys = {{"model", {{"type", "linear"}}}, {"epochs", 3}, {"batch_size", 32}};
  Json averaged = keys;
  averaged["ema"] = {{"decay", 0.95}};
  auto plain = prepare("plain", keys, "clouds", "clouds_test");
  plain.run();
  auto ema = prepare("ema", averaged, "clouds", "clouds_test");
  ema.run();
  EXPECT_EQ(plain.report.results.at("train_loss"), ema.report.results.at("train_loss"))
      << "training is the same";
  EXPECT_NE(plain.report.results.at("validation_loss"), ema.report.results.at("validation_loss"));
  EXPECT_NE(weights("plain"), weights("ema"));
  StepRun evaluation(*comm_, "evaluate", Json::object(), folder_ / "e",
                     {{"model", ema.output()}, {"data", folder_ / "clouds_test"}});
  evaluation.run();
  EXPECT_NEAR(evaluation.report.results.at("log_loss"), ema.report.results.at("validation_loss"), 1e-5);
}

TEST_F(Train, EveryPrecisionLearnsAndGivesAModelThatScores) {
  toy_images(400, 1).write(folder_ / "images");
  toy_images(200, 2).write(folder_ / "images_test");
  for (const std::string precision : {"float32", "float64", "bfloat16"}) {
    auto step = prepare(precision,
                        {{"model", {{"type", "cnn"}, {"channels", {4, 8}}, {"hidden", 16}}},
                         {"epochs", 12},
                         {"batch_size", 32},
                         {"precision", precision}},
                        "images", "images_test");
    step.run();
    EXPECT_GT(step.report.results.at("validation_accuracy"), 0.95) << precision;
    EXPECT_EQ(SafetensorsFile(step.output() + "/model.safetensors").tensors()[0].dtype, DType::f32);
    StepRun evaluation(*comm_, "evaluate", Json::object(), folder_ / ("e" + precision),
                       {{"model", step.output()}, {"data", folder_ / "images_test"}});
    evaluation.run();
    EXPECT_NEAR(evaluation.report.results.at("accuracy"), step.report.results.at("validation_accuracy"),
                0.011);
  }
  EXPECT_NE(weights("float32"), weights("bfloat16"));
}

TEST_F(Train, ClassWeightsFavourTheRareClass) {
  // Nine of ten rows are of class 0; the two clouds overlap.
  ToyDataset toy = toy_frame(1000, true, {"common", "rare"});
  ToyRandom random(1);
  for (int i = 0; i < 1000; ++i) {
    toy.classes.push_back(i % 10 == 0);
    for (int f = 0; f < 2; ++f) toy.features.push_back(random.around(i % 10 == 0 ? 0.7F : 0));
  }
  toy.info.schema["features"] = toy_features(2);
  add_columns(toy, {{"features", DType::f32, {2}}});
  toy.write(folder_ / "rare");
  const auto recall = [&](const std::string& name, const Json& class_weights) {
    auto step = prepare(name, {{"model", {{"type", "linear"}}}, {"class_weights", class_weights}}, "rare");
    step.run();
    StepRun evaluation(*comm_, "evaluate", Json::object(), folder_ / ("e" + name),
                       {{"model", step.output()}, {"data", folder_ / "rare"}});
    evaluation.run();
    return evaluation.report.results.at("recall").get<double>();
  };
  const double plain = recall("plain", nullptr), balanced = recall("balanced", "balanced");
  EXPECT_GT(balanced, plain + 0.3);
  EXPECT_EQ(recall("list", {1, 9}), balanced);
  EXPECT_EQ(recall("map", {{"rare", 9}}), balanced);
}

TEST_F(Train, RefusesClassWeightsThatDoNotFit) {
  auto list = prepare("a", {{"model", small_mlp}, {"class_weights", {1, 2}}}, "clouds");
  EXPECT_EQ(failure(list).message(), "class_weights has 2 numbers; the dataset has 3 classes");
  auto map = prepare("b", {{"model", small_mlp}, {"class_weights", {{"cloud, 7", 2}}}}, "clouds");
  EXPECT_THAT(failure(map).message(), HasSubstr("the dataset has no class \"cloud, 7\" (did you mean"));
  EXPECT_THROW(parameters_of("train", {{"model", small_mlp}, {"class_weights", {1, -2, 3}}}), Error);
  EXPECT_THROW(parameters_of("train", {{"model", small_mlp}, {"class_weights", "fair"}}), Error);
  toy_numbers(50, 1).write(folder_ / "numbers");
  auto numbers = prepare("c", {{"model", {{"type", "linear"}}}, {"class_weights", "balanced"}}, "numbers");
  EXPECT_THAT(failure(numbers).message(), HasSubstr("target is a number"));
}

TEST_F(Train, SaysWhichMetricsThereAre) {
  auto accuracy =
      prepare("a", {{"model", small_mlp}, {"select", "best"}, {"primary_metric", "validation_rmse"}},
              "clouds", "clouds_test");
  EXPECT_EQ(failure(accuracy).message(), "primary_metric: a classification has no validation_rmse");
  auto early = prepare("b", {{"model", small_mlp}, {"early_stopping", {{"patience", 1}}}}, "clouds");
  EXPECT_EQ(failure(early).message(), "early_stopping needs the input validation");
  auto warm = prepare(
      "c", {{"model", small_mlp}, {"epochs", 1}, {"schedule", {{"type", "cosine"}, {"warm_up_epochs", 1}}}},
      "clouds");
  EXPECT_THAT(failure(warm).message(), HasSubstr("a warm-up of 2 steps in a training of 2"));
}

TEST_F(Train, LogsEverySettingAndEveryEpoch) {
  auto step = prepare("a", {{"model", small_mlp}, {"epochs", 3}, {"clip_norm", 2}}, "clouds", "clouds_test");
  make_directories(folder_ / "logs");
  step.context.log_folder = folder_ / "logs";
  step.run();
  const std::string log = read_file(folder_ / "logs/rank-0.log");
  for (const char* text : {"optimizer", "sgd, learning_rate 0.05", "to a norm of 2", "batches assembled",
                           "epoch 1/3: train_loss ", "epoch 3/3: ", "% communication", "validation_accuracy"})
    EXPECT_THAT(log, HasSubstr(text));
  EXPECT_THAT(step.report.notes, Contains(HasSubstr("epoch 3/3: ")));
}

}  // namespace
}  // namespace rankflow
