// evaluate and score on one rank: what they write, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <sstream>

#include "base/text.h"
#include "io/json.h"
#include "io/tensor_file.h"
#include "steps/result_names.h"
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
  const TensorFile file = read_arrays(step.output() + "/scores.h5");
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

TEST_F(Score, WritesFilesOfWholeMiniBatchesInEveryFormat) {
  const auto model = train(toy_clouds(300, 2, 1));
  const auto data = write(toy_clouds(95, 2, 2));
  const Json keys = {{"mini_batch_size", 10}, {"formats", {"csv", "jsonl", "hdf5", "parquet"}}};
  auto whole = prepare("score", model, data, keys);
  whole.run();
  const auto all = lines_of(whole.output() + "/scores.csv");
  const auto objects = lines_of(whole.output() + "/scores.jsonl");
  ASSERT_EQ(objects.size(), 95u);
  EXPECT_EQ(Json::parse(objects[3]).at("row"), 16);
  EXPECT_EQ(Json::parse(objects[3]).at("prediction").get<std::string>().find("cloud, "), 0u);
  EXPECT_EQ(read_file(whole.output() + "/scores.parquet").substr(0, 4), "PAR1");
  remove_tree(whole.output());

  Json cut = keys;
  cut["rows_per_file"] = 25;  // three mini-batches of ten
  auto parts = prepare("score", model, data, cut);
  parts.run();
  std::vector<std::string> joined = {all[0]};
  for (const char* name : {"/scores-00000", "/scores-00001", "/scores-00002", "/scores-00003"}) {
    const auto lines = lines_of(parts.output() + name + ".csv");
    EXPECT_EQ(lines[0], all[0]);
    joined.insert(joined.end(), lines.begin() + 1, lines.end());
    EXPECT_TRUE(exists(parts.output() + name + ".parquet"));
    EXPECT_EQ(read_arrays(parts.output() + name + ".h5").find("row")->shape[0], std::ssize(lines) - 1);
  }
  EXPECT_EQ(joined, all);
  EXPECT_FALSE(exists(parts.output() + "/scores-00004.csv"));
}

TEST_F(Score, BringsTheMostProbableClassesAndColumnsOfTheInput) {
  const auto model = train(toy_clouds(300, 3, 1));
  const auto toy = toy_clouds(20, 3, 2);
  auto step = prepare(
      "score", model, write(toy),
      {{"top_k", 2}, {"probabilities", false}, {"input_columns", {"target", "x0"}}, {"formats", "jsonl"}});
  step.run();
  const auto lines = lines_of(step.output() + "/scores.jsonl");
  const double mean = toy.info.schema["features"][0]["mean"], scale = toy.info.schema["features"][0]["scale"];
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Json row = Json::parse(lines[i]);
    EXPECT_EQ(row.at("top_1"), row.at("prediction"));
    EXPECT_EQ(row.at("top_1_probability"), row.at("probability"));
    EXPECT_NE(row.at("top_2"), row.at("top_1"));
    EXPECT_GE(row.at("top_1_probability"), row.at("top_2_probability"));
    EXPECT_EQ(row.at("target").get<std::string>().find("cloud, "), 0u);
    EXPECT_NEAR(row.at("x0").get<double>(), toy.features[i * 4] * scale + mean, 1e-6);
  }
  auto unknown = prepare("score", model, folder_ / "data", {{"input_columns", {"x_0"}}});
  EXPECT_THAT(message(unknown, ExitStatus::configuration), HasSubstr("did you mean \"x0\""));
  auto many = prepare("score", model, folder_ / "data", {{"top_k", 4}});
  EXPECT_THAT(message(many, ExitStatus::configuration), HasSubstr("3 classes"));
}

TEST(ResultNames, AreEachOfOneColumn) {
  const auto says = [](const ResultSchema& schema, const std::vector<std::string>& formats) {
    try {
      check_result_names(schema, formats, "do this");
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return describe(e);
    }
    return std::string();
  };
  const ResultColumn row = plain_column("row", ResultType::integer),
                     all{"probabilities", ResultType::real32, true, {"p_a", "p_b"}, {}};
  EXPECT_EQ(says({row, plain_column("p_c", ResultType::real64), all}, {"csv", "hdf5"}), "");
  for (const char* name : {"row", "p_b", "probabilities"})
    EXPECT_THAT(says({row, plain_column(name, ResultType::real64), all}, {"csv"}),
                HasSubstr(str("are called \"", name, "\". Try: do this")));
  EXPECT_EQ(says({row, plain_column("f/5", ResultType::real64)}, {"csv"}), "");
  EXPECT_THAT(says({row, plain_column("f/5", ResultType::real64)}, {"csv", "hdf5"}),
              HasSubstr("hdf5 can't have a column called \"f/5\""));
}

TEST_F(Score, CountsWhatFailedUnderAThreshold) {
  const auto model = train(toy_clouds(300, 3, 1));
  auto toy = toy_clouds(50, 3, 2);
  toy.features[4 * 17] = std::nanf("");
  const auto data = write(toy);
  auto strict = prepare("score", model, data, {{"mini_batch_size", 10}});
  EXPECT_THAT(message(strict, ExitStatus::bad_data),
              HasSubstr("mini-batch 1 (rows 10 to 19, rank 0) failed 3 times"));
  auto rows = prepare("score", model, data, {{"mini_batch_size", 10}, {"error_threshold", 9}});
  EXPECT_THAT(message(rows, ExitStatus::bad_data), HasSubstr("not all finite"));
  auto tolerant = prepare("score", model, data, {{"mini_batch_size", 10}, {"mini_batch_error_threshold", 1}});
  tolerant.run();
  const auto errors = lines_of(tolerant.output() + "/errors.csv");
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[1].find("1,10,10,"), 0u) << errors[1];
  EXPECT_THAT(errors[1], HasSubstr("not all finite"));
  EXPECT_EQ(lines_of(tolerant.output() + "/scores.csv").size(), 41u);
  EXPECT_EQ(read_arrays(tolerant.output() + "/scores.h5").find("row")->shape[0], 40);
  EXPECT_EQ(lines_of(tolerant.output() + "/mini_batches.csv").size(), 5u);
  const Json summary = read_json(tolerant.output() + "/summary.json");
  EXPECT_EQ(summary.at("rows"), 40);
  EXPECT_EQ(summary.at("failed_rows"), 10);
  EXPECT_EQ(tolerant.report.results.at("failed_mini_batches"), 1);
}

TEST_F(Score, GoesOnWithTheMiniBatchesThatAreMissing) {
  const auto model = train(toy_clouds(300, 3, 1));
  const auto data = write(toy_clouds(500, 3, 2));
  const Json keys = {{"mini_batch_size", 10}, {"formats", {"csv", "hdf5"}}};
  auto undisturbed = prepare("score", model, data, keys);
  undisturbed.run();
  const std::string csv = read_file(undisturbed.output() + "/scores.csv"),
                    h5 = read_file(undisturbed.output() + "/scores.h5");
  remove_tree(undisturbed.output());
  remove_tree(folder_ / "score/checkpoints");
  for (const int reports : {3, 20}) prepare("score", model, data, keys).run_until_stopped_after(reports);
  auto rest = prepare("score", model, data, keys);
  rest.run();
  EXPECT_THAT(rest.report.notes.at(0), HasSubstr("goes on with 27 of 50 mini-batches"));
  EXPECT_EQ(read_file(rest.output() + "/scores.csv"), csv);
  EXPECT_EQ(read_file(rest.output() + "/scores.h5"), h5);
}

TEST_F(Score, MakesAgainWhatACrashTore) {
  const auto model = train(toy_clouds(300, 3, 1));
  const auto data = write(toy_clouds(500, 3, 2));
  auto first = prepare("score", model, data, {{"formats", "csv"}});
  first.run();
  const std::string csv = read_file(first.output() + "/scores.csv");
  remove_tree(first.output());
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "score/checkpoints")) {
    if (entry.path().extension() != ".csv") continue;
    std::string bytes = read_file(entry.path());
    bytes[bytes.size() / 2] ^= 1;
    write_file_atomically(entry.path(), bytes, false);
  }
  auto again = prepare("score", model, data, {{"formats", "csv"}});
  again.run();
  EXPECT_TRUE(again.report.notes.empty());
  EXPECT_EQ(read_file(again.output() + "/scores.csv"), csv);
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
  const auto roc = lines_of(step.output() + "/roc.csv");
  EXPECT_EQ(roc[0], "class,threshold,false_positive_rate,true_positive_rate");
  EXPECT_EQ(roc[1], "\"cloud, 0\",inf,0,0");
  EXPECT_THAT(roc.back(), testing::EndsWith(",1,1"));
  EXPECT_GT(metrics.at("macro_auc"), 0.9);
  EXPECT_GT(metrics.at("classes")[2].at("average_precision"), 0.8);
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
