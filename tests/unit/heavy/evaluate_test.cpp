// What evaluate finds out beyond plain metrics, on one rank: intervals, slices, importance, comparisons, the report.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "io/json.h"
#include "tests/step_fixture.h"
#include "tests/toy_dataset.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using testing::HasSubstr;
using testing::Not;

class Evaluate : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<Communicator> comm_ = make_self_communicator();

  std::string write(const std::string& name, const ToyDataset& toy) {
    toy.write(folder_ / name);
    return folder_ / name;
  }
  std::string train(const std::string& name, const ToyDataset& toy, const Json& model, int epochs) {
    write(name + "_data", toy);
    StepRun step(*comm_, "train", {{"model", model}, {"epochs", epochs}, {"batch_size", 32}}, folder_ / name,
                 {{"train", folder_ / (name + "_data")}});
    step.run();
    return step.output();
  }
  std::string evaluate(const std::string& name, const Json& keys,
                       const std::map<std::string, std::string>& inputs) {
    StepRun step(*comm_, "evaluate", keys, folder_ / name, inputs);
    step.run();
    return step.output();
  }
  std::string message(const Json& keys, const std::map<std::string, std::string>& inputs) {
    StepRun step(*comm_, "evaluate", keys, folder_ / "refused", inputs);
    try {
      step.run();
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "nothing was thrown";
  }
};

/// Cells of a CSV file without quotes.
std::vector<std::vector<std::string>> cells_of(const std::string& path) {
  std::istringstream in(read_file(path));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(in, line);) {
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

const Json tabular = {{"type", "tabular"}, {"hidden", {16}}};

TEST_F(Evaluate, IntervalsHoldTheValueAndNarrowWithMoreRows) {
  const auto model = train("m", toy_table(600, 1), tabular, 10);
  double width = 1;
  for (const int rows : {100, 1600}) {
    const auto data = write("data" + std::to_string(rows), toy_table(rows, 2));
    const Json keys = {{"bootstrap", {{"samples", 400}, {"confidence", 0.9}}}};
    const Json metrics = read_json(
        evaluate("e" + std::to_string(rows), keys, {{"model", model}, {"data", data}}) + "/metrics.json");
    for (const auto& [name, interval] : metrics.at("intervals").items()) {
      EXPECT_LE(interval[0], metrics.at(name)) << name;
      EXPECT_GE(interval[1], metrics.at(name)) << name;
    }
    EXPECT_EQ(metrics.at("intervals").size(), 8u);
    const double now = metrics.at("intervals").at("accuracy")[1].get<double>() -
                       metrics.at("intervals").at("accuracy")[0].get<double>();
    // The standard error of a share, times 1.645 on both sides.
    const double p = metrics.at("accuracy"), expected = 2 * 1.645 * std::sqrt(p * (1 - p) / rows);
    EXPECT_NEAR(now, expected, 0.35 * expected);
    EXPECT_LT(now, width);
    width = now;
  }
}

TEST_F(Evaluate, SlicesAreTheRowsOfEachValueAndSmallOnesAreFlagged) {
  const auto model = train("m", toy_table(600, 1), tabular, 10);
  const auto toy = toy_table(400, 2);
  const auto data = write("data", toy);
  const auto out = evaluate("e", {{"slices", {"b", "x1"}}, {"slice_buckets", 5}, {"small_slice", 100}},
                            {{"model", model}, {"data", data}});
  const auto rows = cells_of(out + "/slices.csv");
  ASSERT_EQ(rows.size(), 1u + 3 + 5);
  EXPECT_THAT(rows[0],
              testing::ElementsAre("column", "slice", "rows", "small", "accuracy", "log_loss", "brier",
                                   "precision", "recall", "f1", "auc", "average_precision"));
  std::int64_t of_u = 0;
  for (std::size_t i = 0; i < 400; ++i) of_u += toy.categories[2 * i + 1] == 1;
  EXPECT_EQ(rows[1][0] + rows[1][1], "bu");
  EXPECT_EQ(rows[1][2], std::to_string(of_u));
  EXPECT_EQ(rows[1][3], "false");
  for (std::size_t i = 4; i < 9; ++i) {
    EXPECT_EQ(rows[i][0], "x1");
    EXPECT_EQ(rows[i][2], "80");
    EXPECT_EQ(rows[i][3], "true");
  }
  EXPECT_THAT(rows[4][1], HasSubstr("below"));
  // Accuracy of the whole is that of the slices, weighted.
  double right = 0;
  for (std::size_t i = 1; i < 4; ++i) right += std::stod(rows[i][2]) * std::stod(rows[i][4]);
  EXPECT_NEAR(right / 400, read_json(out + "/metrics.json").at("accuracy").get<double>(), 1e-12);
  EXPECT_EQ(read_json(out + "/slices.json").size(), 8u);
  EXPECT_THAT(message({{"slices", "c"}}, {{"model", model}, {"data", data}}), HasSubstr("no column \"c\""));
}

TEST_F(Evaluate, ACategoryCalledUnknownIsNotTheUnknownOnes) {
  auto toy = toy_table(200, 1);
  toy.info.schema["categories"][1]["vocabulary"][0] = "(unknown)";
  const auto model = train("m", toy, tabular, 1);
  toy.categories[1] = 0;  // of the first row: a value that training has not seen
  const auto out = evaluate("e", {{"slices", "b"}}, {{"model", model}, {"data", write("data", toy)}});
  const auto rows = cells_of(out + "/slices.csv");
  ASSERT_EQ(rows.size(), 1u + 4);
  EXPECT_EQ(rows[1][1], "((unknown))");
  EXPECT_EQ(rows[1][2], "1");
  EXPECT_EQ(rows[2][1], "(unknown)");
}

TEST_F(Evaluate, ImportanceFindsTheColumnsThatDecide) {
  const auto model = train("m", toy_table(600, 1), tabular, 20);
  const auto data = write("data", toy_table(400, 2));
  const auto out = evaluate("e", {{"permutation_importance", {{"repeats", 3}, {"metric", "accuracy"}}}},
                            {{"model", model}, {"data", data}});
  const auto rows = cells_of(out + "/importance.csv");
  ASSERT_EQ(rows.size(), 5u);
  // The categories decide together, the features say nothing.
  EXPECT_EQ(rows[1][1], "category");
  EXPECT_EQ(rows[2][1], "category");
  EXPECT_GT(std::stod(rows[2][3]), 0.2);
  EXPECT_LT(std::abs(std::stod(rows[3][3])), 0.05);
  EXPECT_THAT(message({{"permutation_importance", {{"metric", "rmse"}}}}, {{"model", model}, {"data", data}}),
              HasSubstr("metric rmse is not for this model"));
}

TEST_F(Evaluate, ImportanceIsOfNoUseForImages) {
  const auto model = train("m", toy_images(50, 1), {{"type", "mlp"}, {"hidden", {8}}}, 1);
  EXPECT_THAT(message({{"permutation_importance", Json::object()}},
                      {{"model", model}, {"data", write("data", toy_images(20, 2))}}),
              HasSubstr("features and categories"));
}

TEST_F(Evaluate, ComparesTwoModelsOnTheSameRows) {
  const auto good = train("good", toy_table(600, 1), tabular, 20);
  const auto poor = train("poor", toy_table(600, 1), tabular, 1);
  const auto data = write("data", toy_table(400, 2));
  const Json keys = {{"bootstrap", {{"samples", 200}}}};
  const Json better = read_json(evaluate("e", keys, {{"model", good}, {"baseline", poor}, {"data", data}}) +
                                "/comparison.json");
  const Json& accuracy = better.at("metrics").at("accuracy");
  EXPECT_GT(accuracy.at("difference").at("low"), 0.0);
  EXPECT_NEAR(accuracy.at("difference").at("value").get<double>(),
              accuracy.at("model").get<double>() - accuracy.at("baseline").get<double>(), 1e-12);
  EXPECT_LT(better.at("paired_test").at("p_value"), 0.001);
  const Json same = read_json(evaluate("s", keys, {{"model", good}, {"baseline", good}, {"data", data}}) +
                              "/comparison.json");
  EXPECT_EQ(same.at("paired_test").at("p_value"), 1);
  EXPECT_EQ(same.at("metrics").at("auc").at("difference"),
            (Json{{"value", 0.0}, {"low", 0.0}, {"high", 0.0}}));
}

TEST_F(Evaluate, ComparesErrorsOfNumbers) {
  const auto good = train("good", toy_numbers(400, 1), {{"type", "linear"}}, 10);
  const auto poor = train("poor", toy_numbers(400, 1), {{"type", "linear"}}, 1);
  const auto out =
      evaluate("e", {{"bootstrap", {{"samples", 100}}}, {"slices", "x0"}},
               {{"model", good}, {"baseline", poor}, {"data", write("data", toy_numbers(300, 2))}});
  const Json test = read_json(out + "/comparison.json").at("paired_test");
  EXPECT_EQ(test.at("test"), "paired t of the squared errors");
  EXPECT_EQ(test.at("degrees_of_freedom"), 299);
  EXPECT_LT(test.at("mean_difference"), 0.0);
  EXPECT_LT(test.at("p_value"), 1e-6);
  EXPECT_EQ(cells_of(out + "/slices.csv").size(), 5u);
}

TEST_F(Evaluate, TheReportNeedsNothingFromElsewhereAndEscapesNames) {
  ToyDataset toy = toy_table(300, 1);
  toy.info.schema["classes"] = {"<b>no</b>", "yes & more"};
  const auto model = train("m", toy, tabular, 2);
  const auto out = evaluate("e", {{"slices", "a"}, {"permutation_importance", {{"repeats", 1}}}},
                            {{"model", model}, {"data", folder_ / "m_data"}});
  const std::string page = read_file(out + "/report.html");
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;no&lt;/b&gt;"));
  EXPECT_THAT(page, HasSubstr("yes &amp; more"));
  for (const char* part : {"Curves", "Confusion matrix", "Permutation importance", "Slices", "<svg"})
    EXPECT_THAT(page, HasSubstr(part));
  for (const char* foreign : {"<script", "http:", "https:", "src=", "url(", "<b>no"})
    EXPECT_THAT(page, Not(HasSubstr(foreign)));
  EXPECT_EQ(cells_of(out + "/precision_recall.csv")[0],
            (std::vector<std::string>{"threshold", "precision", "recall"}));
}

}  // namespace
}  // namespace rankflow
