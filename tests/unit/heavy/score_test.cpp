// evaluate and score on one rank: what they write, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "io/json.h"
#include "io/tensor_file.h"
#include "tests/step_fixture.h"
#include "tests/toy_dataset.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

std::vector<std::string> lines_of(const std::string& path) {
  std::istringstream in(read_file(path));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

class Score : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<Communicator> comm_ = make_self_communicator();

  /// Trains a linear model on `toy`; its folder.
  std::string train(const ToyDataset& toy) {
    toy.write(folder_ / "train");
    StepRun step(*comm_, "train", {{"model", {{"type", "linear"}}}, {"epochs", 5}, {"batch_size", 32}},
                 folder_ / "t", {{"train", folder_ / "train"}});
    step.run();
    return step.output();
  }
  std::string write(const ToyDataset& toy) {
    toy.write(folder_ / "data");
    return folder_ / "data";
  }
  StepRun prepare(const std::string& type, const std::string& model, const std::string& data,
                  const Json& keys = Json::object()) {
    return {*comm_, type, keys, folder_ / type, {{"model", model}, {"data", data}}};
  }
  std::string message(StepRun& step, ExitStatus status) {
    try {
      step.run();
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), status);
      return e.message();
    }
    return "nothing was thrown";
  }
};

TEST_F(Score, EveryRowIsThereInOrderWithItsSourceRow) {
  const auto model = train(toy_clouds(300, 3, 1));
  auto step = prepare("score", model, write(toy_clouds(250, 3, 2)), {{"mini_batch_size", 100}});
  step.run();
  const auto lines = lines_of(step.output() + "/scores.csv");
  ASSERT_EQ(lines.size(), 251u);
  EXPECT_EQ(lines[0], "row,prediction,\"p_cloud, 0\",\"p_cloud, 1\",\"p_cloud, 2\"");
  for (int i = 0; i < 250; ++i)
    EXPECT_EQ(lines[static_cast<std::size_t>(i) + 1].find(std::to_string(10 + 2 * i) + ",\"cloud, "), 0u);
  const TensorFile file = read_tensor_file(step.output() + "/scores.h5");
  EXPECT_EQ(file.find("probabilities")->shape, (std::vector<std::int64_t>{250, 3}));
  EXPECT_EQ(file.find("prediction")->dtype, DType::i64);
  const auto* p = reinterpret_cast<const float*>(file.find("probabilities")->data.data());
  for (int i = 0; i < 250; ++i) EXPECT_NEAR(p[3 * i] + p[3 * i + 1] + p[3 * i + 2], 1, 1e-6);
  const Json summary = read_json(step.output() + "/summary.json");
  EXPECT_EQ(summary.at("rows"), 250);
  EXPECT_EQ(summary.at("mini_batches"), 3);
  std::int64_t rows = 0;
  for (const auto& n : summary.at("rows_per_class")) rows += n.get<std::int64_t>();
  EXPECT_EQ(rows, 250);
  EXPECT_EQ(step.report.results.at("rows"), 250);
}

TEST_F(Score, WritesWhatIsAskedFor) {
  const auto model = train(toy_clouds(300, 2, 1));
  const auto data = write(toy_clouds(50, 2, 2));
  auto csv = prepare("score", model, data, {{"formats", "csv"}, {"probabilities", false}});
  csv.run();
  EXPECT_FALSE(exists(csv.output() + "/scores.h5"));
  EXPECT_EQ(lines_of(csv.output() + "/scores.csv")[0], "row,prediction,probability");
  remove_tree(csv.output());
  auto summary = prepare("score", model, data, {{"output_action", "summary_only"}});
  summary.run();
  EXPECT_FALSE(exists(summary.output() + "/scores.csv"));
  EXPECT_FALSE(exists(summary.output() + "/scores.h5"));
  EXPECT_TRUE(exists(summary.output() + "/summary.json"));
}

TEST_F(Score, GivesNumbersInTheTargetsUnits) {
  const auto model = train(toy_numbers(400, 1));
  const auto toy = toy_numbers(100, 2);
  auto step = prepare("score", model, write(toy));
  step.run();
  const auto lines = lines_of(step.output() + "/scores.csv");
  ASSERT_EQ(lines.size(), 101u);
  for (std::size_t i = 0; i < 100; ++i) {
    EXPECT_NEAR(std::stod(lines[i + 1].substr(lines[i + 1].find(',') + 1)), toy.numbers[i], 20);
  }
}

TEST_F(Score, NeedsNoTargetAndNoRows) {
  const auto model = train(toy_clouds(300, 3, 1));
  auto toy = toy_clouds(50, 3, 2);
  std::erase_if(toy.info.columns, [](const ColumnInfo& c) { return c.name == "target"; });
  auto step = prepare("score", model, write(toy));
  step.run();
  EXPECT_EQ(lines_of(step.output() + "/scores.csv").size(), 51u);
  remove_tree(folder_ / "data");
  remove_tree(step.output());
  auto none = prepare("score", model, write(toy_clouds(0, 3, 2)));
  none.run();
  EXPECT_EQ(lines_of(none.output() + "/scores.csv").size(), 1u);
}

TEST_F(Score, RefusesDataThatTheModelWasNotMadeFor) {
  const auto model = train(toy_clouds(300, 3, 1));
  auto images = prepare("score", model, write(toy_images(10, 1)));
  EXPECT_THAT(message(images, ExitStatus::bad_data),
              HasSubstr("trained on a dataset with the column features"));
  auto toy = toy_clouds(50, 3, 2);
  toy.info.schema["features"][0]["scale"] = 3.0;
  auto other = prepare("score", model, write(toy));
  EXPECT_THAT(message(other, ExitStatus::bad_data), HasSubstr("other statistics for x0"));
  auto nan = toy_clouds(50, 3, 2);
  nan.features[17] = std::nanf("");
  auto bad = prepare("score", model, write(nan));
  EXPECT_THAT(message(bad, ExitStatus::bad_data), HasSubstr("not all finite"));
}

TEST_F(Score, RefusesADamagedModel) {
  const auto model = train(toy_clouds(300, 3, 1));
  std::string bytes = read_file(model + "/model.safetensors");
  bytes.pop_back();
  write_file_atomically(model + "/model.safetensors", bytes, false);
  auto step = prepare("score", model, write(toy_clouds(50, 3, 2)));
  EXPECT_THAT(message(step, ExitStatus::bad_data), HasSubstr("model.safetensors"));
}

TEST_F(Score, EvaluateMeasuresSeveralClasses) {
  const auto model = train(toy_clouds(300, 3, 1));
  auto step = prepare("evaluate", model, write(toy_clouds(200, 3, 2)));
  step.run();
  const Json metrics = read_json(step.output() + "/metrics.json");
  EXPECT_GT(metrics.at("accuracy"), 0.85);
  EXPECT_LT(metrics.at("baseline_accuracy"), 0.5);
  EXPECT_EQ(metrics.at("classes").size(), 3u);
  EXPECT_EQ(metrics.at("classes")[0].at("class"), "cloud, 0");
  EXPECT_EQ(lines_of(step.output() + "/confusion.csv")[0], "actual,\"cloud, 0\",\"cloud, 1\",\"cloud, 2\"");
  EXPECT_EQ(lines_of(step.output() + "/calibration.csv").size(), 11u);
  EXPECT_FALSE(exists(step.output() + "/roc.csv"));
  EXPECT_EQ(step.report.results.at("accuracy"), metrics.at("accuracy"));
}

TEST_F(Score, EvaluateMeasuresTwoClassesAroundThePositiveOne) {
  const auto model = train(toy_clouds(300, 2, 1));
  const auto data = write(toy_clouds(200, 2, 2));
  auto second = prepare("evaluate", model, data);
  second.run();
  const Json b = read_json(second.output() + "/metrics.json");
  EXPECT_EQ(b.at("positive_class"), "cloud, 1");
  EXPECT_GT(b.at("auc"), 0.95);
  EXPECT_GT(lines_of(second.output() + "/roc.csv").size(), 10u);
  remove_tree(second.output());
  auto first = prepare("evaluate", model, data, {{"positive_class", "cloud, 0"}});
  first.run();
  const Json a = read_json(first.output() + "/metrics.json");
  EXPECT_NEAR(a.at("auc"), b.at("auc"), 1e-12);
  EXPECT_EQ(a.at("accuracy"), b.at("accuracy"));
  EXPECT_NEAR(a.at("base_rate").get<double>() + b.at("base_rate").get<double>(), 1, 1e-12);
  EXPECT_NEAR(a.at("brier"), b.at("brier"), 1e-12);
  remove_tree(first.output());
  auto always = prepare("evaluate", model, data, {{"threshold", 0.0}});
  always.run();
  EXPECT_EQ(read_json(always.output() + "/metrics.json").at("recall"), 1.0);
  auto unknown = prepare("evaluate", model, data, {{"positive_class", "late"}});
  EXPECT_THAT(message(unknown, ExitStatus::configuration), HasSubstr("is not one of two classes"));
}

TEST_F(Score, EvaluateMeasuresRegression) {
  const auto model = train(toy_numbers(400, 1));
  auto step = prepare("evaluate", model, write(toy_numbers(200, 2)));
  step.run();
  const Json metrics = read_json(step.output() + "/metrics.json");
  EXPECT_GT(metrics.at("r2"), 0.99);
  EXPECT_LT(metrics.at("rmse"), 0.1 * metrics.at("baseline_rmse").get<double>());
  EXPECT_LE(metrics.at("mae"), metrics.at("rmse"));
}

TEST_F(Score, EvaluateNeedsTheTarget) {
  const auto model = train(toy_clouds(300, 3, 1));
  auto toy = toy_clouds(50, 3, 2);
  std::erase_if(toy.info.columns, [](const ColumnInfo& c) { return c.name == "target"; });
  auto step = prepare("evaluate", model, write(toy));
  EXPECT_THAT(message(step, ExitStatus::bad_data), HasSubstr("target"));
}

}  // namespace
}  // namespace rankflow
