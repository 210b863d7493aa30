// The train step on one rank: every model learns its toy dataset, a stopped training ends with the same
// bytes, damage and bad data are met as promised.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/text.h"
#include "io/json.h"
#include "io/tensor_file.h"
#include "tests/unit/heavy/train_fixture.h"

namespace rankflow {
namespace {

using testing::Contains;
using testing::HasSubstr;

TEST_F(Train, LinearLearnsClouds) {
  auto step = prepare("a", {{"model", {{"type", "linear"}}}, {"epochs", 10}, {"batch_size", 32}}, "clouds",
                      "clouds_test");
  step.run();
  EXPECT_GT(step.report.results.at("validation_accuracy"), 0.9);
  EXPECT_LT(step.report.results.at("validation_loss"), 0.3);
  EXPECT_EQ(step.report.done, 5000);
  EXPECT_EQ(step.report.total, 5000);
  const Json model = read_json(step.output() + "/model.json");
  EXPECT_EQ(model.at("history").size(), 10u);
  EXPECT_EQ(model.at("input").at("schema").at("classes").size(), 3u);
  EXPECT_EQ(stored_shape(step, "linear.weight"), (std::vector<std::int64_t>{3, 4}));
}

TEST_F(Train, MlpLearnsCloudsWithAdamW) {
  auto step = prepare("a",
                      {{"model", small_mlp},
                       {"epochs", 10},
                       {"batch_size", 32},
                       {"optimizer", {{"type", "adamw"}, {"learning_rate", 0.01}}}},
                      "clouds", "clouds_test");
  step.run();
  EXPECT_GT(step.report.results.at("validation_accuracy"), 0.9);
}

TEST_F(Train, CnnLearnsImages) {
  toy_images(400, 1).write(folder_ / "images");
  toy_images(200, 2).write(folder_ / "images_test");
  auto step = prepare("a",
                      {{"model", {{"type", "cnn"}, {"channels", {4, 8}}, {"hidden", 16}}},
                       {"epochs", 12},
                       {"batch_size", 32}},
                      "images", "images_test");
  step.run();
  EXPECT_GT(step.report.results.at("validation_accuracy"), 0.95);
  EXPECT_EQ(stored_shape(step, "blocks.0.weight"), (std::vector<std::int64_t>{4, 1, 3, 3}));
}

TEST_F(Train, TabularLearnsWhatLinearCannot) {
  toy_table(600, 1).write(folder_ / "table");
  toy_table(300, 2).write(folder_ / "table_test");
  auto tabular =
      prepare("a", {{"model", {{"type", "tabular"}, {"hidden", {32}}}}, {"epochs", 15}, {"batch_size", 32}},
              "table", "table_test");
  tabular.run();
  EXPECT_GT(tabular.report.results.at("validation_accuracy"), 0.9);
  auto linear = prepare("b", {{"model", {{"type", "linear"}}}, {"epochs", 15}, {"batch_size", 32}}, "table",
                        "table_test");
  linear.run();
  EXPECT_LT(linear.report.results.at("validation_accuracy"), 0.8);
}

TEST_F(Train, RegressionLearnsLargeNumbers) {
  toy_numbers(500, 1).write(folder_ / "numbers");
  toy_numbers(300, 2).write(folder_ / "numbers_test");
  auto step = prepare("a", {{"model", {{"type", "linear"}}}, {"epochs", 10}, {"batch_size", 32}}, "numbers",
                      "numbers_test");
  step.run();
  EXPECT_LT(step.report.results.at("validation_rmse"), 1.5);  // the noise has a standard deviation of 0.5
  EXPECT_LT(step.report.results.at("validation_loss"), 1e-4);
}

TEST_F(Train, SameSeedSameBytesOtherSeedOthers) {
  const auto train = [&](const std::string& name, int seed) {
    prepare(name, {{"model", small_mlp}, {"epochs", 2}, {"seed", seed}}, "clouds").run();
    return weights(name);
  };
  const auto first = train("a", 1);
  EXPECT_EQ(first, train("b", 1));
  EXPECT_NE(first, train("c", 2));
}

TEST_F(Train, StoppedAndResumedGivesTheSameBytes) {
  for (const Json& optimizer : {Json{{"type", "sgd"}}, Json{{"type", "adamw"}}}) {
    const std::string name = optimizer.at("type");
    Json keys = {{"model", small_mlp},
                 {"epochs", 4},
                 {"batch_size", 64},
                 {"optimizer", optimizer},
                 {"select", "best"}};
    if (name == "adamw") keys.update({{"shuffle_window", 200}, {"prefetch", "always"}});
    const auto make = [&](const std::string& to) { return prepare(to, keys, "clouds", "clouds_test"); };
    make("whole" + name).run();
    run_with_stops([&] { return make("parts" + name); },
                   {3, 5, 1, 8});  // in the middle and at the end of epochs
    EXPECT_EQ(weights("whole" + name), weights("parts" + name));
    EXPECT_EQ(read_json(folder_ / ("whole" + name + "/model/model.json")),
              read_json(folder_ / ("parts" + name + "/model/model.json")));
  }
}

std::vector<std::string> checkpoints_in(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

TEST_F(Train, ADamagedCheckpointGivesWayToTheOneBefore) {
  const Json keys = {{"model", small_mlp}, {"epochs", 6}, {"batch_size", 64}};
  prepare("whole", keys, "clouds").run();

  auto first = prepare("parts", keys, "clouds");
  first.run_until_stopped_after(30);  // of 8 batches an epoch
  auto saved = checkpoints_in(folder_ / "parts/checkpoints");
  ASSERT_EQ(saved.size(), 2u);
  std::string bytes = read_file(saved[1]);
  const auto data = read_tensor_file(saved[1]).tensors.back().data;
  const auto place = bytes.find(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()));
  ASSERT_NE(place, bytes.npos);
  bytes[place] = static_cast<char>(bytes[place] ^ 1);
  write_file_atomically(saved[1], bytes, false);

  auto second = prepare("parts", keys, "clouds");
  second.run();
  EXPECT_THAT(second.report.notes, Contains(HasSubstr("is damaged")));
  EXPECT_THAT(second.report.notes, Contains(HasSubstr("after 24 batches")));
  EXPECT_EQ(weights("whole"), weights("parts"));
}

TEST_F(Train, TruncatedCheckpointsAreStartedOverFrom) {
  const Json keys = {{"model", small_mlp}, {"epochs", 3}, {"batch_size", 64}};
  auto first = prepare("a", keys, "clouds");
  first.run();
  const auto whole = weights("a");
  for (const auto& path : checkpoints_in(folder_ / "a/checkpoints")) std::filesystem::resize_file(path, 1000);
  std::filesystem::remove_all(folder_ / "a/model");
  auto second = prepare("a", keys, "clouds");
  second.run();
  EXPECT_EQ(std::count_if(second.report.notes.begin(), second.report.notes.end(),
                          [](const std::string& note) { return note.find("is damaged") != note.npos; }),
            2);
  EXPECT_EQ(weights("a"), whole);
}

TEST_F(Train, CheckpointsOfAnotherTrainingAreNotUsed) {
  prepare("a", {{"model", small_mlp}, {"epochs", 1}}, "clouds").run();
  auto step = prepare("a", {{"model", small_mlp}, {"epochs", 1}, {"seed", 5}}, "clouds");
  step.run();
  EXPECT_THAT(step.report.notes, Contains(HasSubstr("of another training")));
}

TEST_F(Train, CheckpointsEverySoManyBatchesKeepTwo) {
  auto step = prepare("a",
                      {{"model", small_mlp},
                       {"epochs", 1},
                       {"batch_size", 50},
                       {"checkpoint", {{"every_batches", 3}, {"every_epochs", 0}}}},
                      "clouds");
  step.run();
  const auto saved = checkpoints_in(folder_ / "a/checkpoints");
  ASSERT_EQ(saved.size(), 2u);
  EXPECT_THAT(saved[0], HasSubstr("000000000006.h5"));
  EXPECT_THAT(saved[1], HasSubstr("000000000009.h5"));
}

TEST_F(Train, CheckpointsKeepAsManyAsAsked) {
  for (const std::size_t keep : {1, 3}) {
    auto step = prepare(str("keep", keep),
                        {{"model", small_mlp},
                         {"epochs", 1},
                         {"batch_size", 50},
                         {"checkpoint", {{"every_batches", 2}, {"every_epochs", 0}, {"keep", keep}}}},
                        "clouds");
    step.run();
    const auto saved = checkpoints_in(folder_ / str("keep", keep, "/checkpoints"));
    ASSERT_EQ(saved.size(), keep);
    EXPECT_THAT(saved.back(), HasSubstr("000000000010.h5"));
  }
}

TEST_F(Train, BestKeepsTheEpochWithTheLowestValidationLoss) {
  auto step = prepare("a",
                      {{"model", small_mlp},
                       {"epochs", 8},
                       {"select", "best"},
                       {"optimizer", {{"type", "sgd"}, {"learning_rate", 2.0}}}},
                      "clouds", "clouds_test");
  step.run();
  const Json model = read_json(step.output() + "/model.json");
  double lowest = 1e9;
  for (const auto& epoch : model.at("history"))
    lowest = std::min(lowest, epoch.at("validation_loss").get<double>());
  EXPECT_EQ(model.at("metrics").at("validation_loss"), lowest);
}

TEST_F(Train, NaNInARowEndsWithBadDataAndNamesIt) {
  auto toy = toy_clouds(500, 3, 1);
  toy.features[4 * 123 + 2] = std::nanf("");
  toy.write(folder_ / "nan");
  auto step =
      prepare("a", {{"model", small_mlp}, {"epochs", 3}, {"batch_size", 64}, {"shuffle", false}}, "nan");
  const Error e = failure(step);
  EXPECT_EQ(e.status(), ExitStatus::bad_data);
  EXPECT_EQ(e.message(), "loss is not finite at epoch 1, batch 2: 1 of 64 rows, the first is source row 256");
  EXPECT_FALSE(exists(step.output() + "/model.safetensors"));
}

TEST_F(Train, DivergenceIsBadDataAndKeepsTheLastGoodCheckpoint) {
  auto step = prepare("a",
                      {{"model", small_mlp},
                       {"epochs", 50},
                       {"batch_size", 64},
                       {"checkpoint", {{"every_batches", 1}}},
                       {"optimizer", {{"type", "sgd"}, {"learning_rate", 1e6}, {"weight_decay", 1.0}}}},
                      "clouds");
  const Error e = failure(step);
  EXPECT_EQ(e.status(), ExitStatus::bad_data);
  EXPECT_THAT(e.message(), HasSubstr("is not finite at epoch"));
  EXPECT_EQ(e.hint(), "a lower learning rate");
  const auto saved = checkpoints_in(folder_ / "a/checkpoints");
  ASSERT_FALSE(saved.empty());
  EXPECT_NO_THROW(read_tensor_file(saved.back()));
}

TEST_F(Train, SaysWhatAModelNeeds) {
  auto cnn = prepare("a", {{"model", {{"type", "cnn"}}}}, "clouds");
  const Error e = failure(cnn);
  EXPECT_EQ(e.status(), ExitStatus::configuration);
  EXPECT_EQ(e.message(), "model cnn needs a column \"images\"; the dataset has features, target, row");

  toy_images(20, 1).write(folder_ / "images");
  auto deep = prepare("b", {{"model", {{"type", "cnn"}, {"channels", {2, 2, 2, 2}}}}}, "images");
  EXPECT_THAT(failure(deep).message(), HasSubstr("halve images of 8x8 to nothing"));
  auto tabular = prepare("c", {{"model", {{"type", "tabular"}}}}, "images");
  EXPECT_THAT(failure(tabular).message(), HasSubstr("no use for the column \"images\""));
  auto best = prepare("d", {{"model", small_mlp}, {"select", "best"}}, "clouds");
  EXPECT_THAT(failure(best).message(), HasSubstr("select: best needs the input validation"));
}

TEST_F(Train, RefusesTargetsThatAreNoClassAndOtherPreparation) {
  auto toy = toy_clouds(100, 3, 1);
  toy.classes[70] = 3;
  toy.write(folder_ / "wrong");
  auto step = prepare("a", {{"model", small_mlp}}, "wrong");
  EXPECT_EQ(failure(step).message(), "target 3 in row 70 of the dataset, which has 3 classes");

  auto other = toy_clouds(100, 3, 1);
  other.info.schema["features"][2]["mean"] = 17.0;
  other.write(folder_ / "other");
  auto mixed = prepare("b", {{"model", small_mlp}}, "clouds", "other");
  EXPECT_THAT(failure(mixed).message(), HasSubstr("other statistics for x2"));
}

}  // namespace
}  // namespace rankflow
