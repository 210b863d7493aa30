// One model for each partition of the data, on several ranks: what training each alone gives, also after a stop.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <numeric>

#include "io/json.h"
#include "steps/partition_keys.h"
#include "tests/mpi/steps_harness.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

const Json keys = {{"model", {{"type", "tabular"}, {"hidden", {8}}, {"dropout", 0.2}}},
                   {"partition_by", {"a", "b"}},
                   {"epochs", 3},
                   {"batch_size", 16},
                   {"seed", 7}};

/// The rows of `toy` with these categories, as prepare would write them alone.
ToyDataset only(const ToyDataset& toy, std::int64_t a, std::int64_t b) {
  ToyDataset some;
  some.info = toy.info;
  for (std::size_t i = 0; i < toy.row.size(); ++i) {
    if (toy.categories[2 * i] != a || toy.categories[2 * i + 1] != b) continue;
    some.row.push_back(toy.row[i]);
    some.classes.push_back(toy.classes[i]);
    some.categories.insert(some.categories.end(), {a, b});
    some.features.insert(some.features.end(), {toy.features[2 * i], toy.features[2 * i + 1]});
  }
  some.info.rows = std::ssize(some.row);
  return some;
}

/// Sizes differ, so that the order in which partitions are handed out is not that of their keys; all have both classes.
ToyDataset uneven(std::int64_t rows, std::uint64_t seed) {
  ToyDataset toy = toy_table(rows, seed);
  ToyRandom random(seed + 1);
  std::map<std::pair<std::int64_t, std::int64_t>, int> seen;
  for (std::size_t i = 0; i < toy.row.size(); ++i) {
    std::int64_t &a = toy.categories[2 * i], &b = toy.categories[2 * i + 1];
    if (b == 1 && random.uniform() < 0.7F) b = 3;
    toy.classes[i] = (a + b) % 2 == 0;
    if (const int n = seen[{a, b}]++; n % 10 < 2) toy.classes[i] = n % 2;
  }
  return toy;
}

std::map<std::string, std::string> files_of(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files[entry.path().filename()] = read_file(entry.path());
  return files;
}

/// A model's slice of every stacked tensor, in the order of the file.
std::map<std::string, std::vector<std::byte>> weights_of(const std::string& folder, std::int64_t model) {
  const SafetensorsFile file(folder + "/models.safetensors");
  std::map<std::string, std::vector<std::byte>> weights;
  for (const auto& t : file.tensors()) {
    const std::uint64_t bytes = t.bytes() / static_cast<std::uint64_t>(t.shape[0]);
    const std::byte* first = t.data + static_cast<std::uint64_t>(model) * bytes;
    weights[t.name].assign(first, first + bytes);
  }
  return weights;
}

TEST_F(Steps, EachModelIsWhatTrainingItsRowsAloneGives) {
  const ToyDataset toy = uneven(400, 1), validation = uneven(200, 2);
  const std::map<std::string, std::string> inputs = {{"train", write("train", toy)},
                                                     {"validation", write("validation", validation)}};
  Json balanced = keys;
  balanced["class_weights"] = "balanced";  // of each partition's own rows
  const auto [many, one] = both("train", balanced, "t", inputs);
  EXPECT_EQ(files_of(many), files_of(one));
  const Json models = read_json(one + "/models.json").at("models");
  ASSERT_EQ(models.size(), 6u);

  Json alone_keys = balanced;
  alone_keys.erase("partition_by");
  for (std::size_t m = 0; m < models.size(); ++m) {
    const std::int64_t a = models[m].at("key")[0] == "p" ? 1 : 2;
    const std::int64_t b = models[m].at("key")[1].get<std::string>()[0] - 'u' + 1;
    const std::string folder = str(own_, "/alone", m);
    only(toy, a, b).write(folder + "/train");
    only(validation, a, b).write(folder + "/validation");
    StepRun alone(*alone_, "train", alone_keys, folder,
                  {{"train", folder + "/train"}, {"validation", folder + "/validation"}});
    alone.run();
    const SafetensorsFile expected(alone.output() + "/model.safetensors");
    const auto weights = weights_of(one, static_cast<std::int64_t>(m));
    ASSERT_EQ(expected.tensors().size(), weights.size());
    for (const auto& t : expected.tensors())
      EXPECT_EQ(weights.at(t.name), std::vector<std::byte>(t.data, t.data + t.bytes())) << t.name << m;
    const Json description = read_json(alone.output() + "/model.json");
    EXPECT_EQ(models[m].at("metrics"), description.at("metrics"));
    EXPECT_EQ(models[m].at("target"), description.at("target"));
  }
}

TEST_F(Steps, AStoppedPartitionedTrainingGoesOnWithWhatIsLeft) {
  const auto train = write("train", uneven(400, 1));
  StepRun whole(*alone_, "train", keys, own_ + "/whole", {{"train", train}});
  whole.run();
  StepRun stopped(all_, "train", keys, shared_ + "/t", {{"train", train}});
  if (all_.size() == 1) {
    stopped.run_until_stopped_after(2);
  } else {  // the first rank does nothing, the others what they get meanwhile
    if (all_.rank() == 0) stopped.stop.request();
    EXPECT_THROW(stopped.run(), Stopped);
  }
  EXPECT_FALSE(exists(stopped.output() + "/models.json"));
  StepRun again(all_, "train", keys, shared_ + "/t", {{"train", train}});
  again.run();
  EXPECT_EQ(files_of(again.output()), files_of(whole.output()));
  if (all_.size() == 1) {
    EXPECT_THAT(again.report.notes, testing::Contains(HasSubstr("2 of 6 models are finished")));
  }
}

TEST_F(Steps, FinishedModelsThatAreDamagedAreTrainedAgain) {
  const auto train = write("train", uneven(400, 1));
  StepRun whole(*alone_, "train", keys, own_ + "/whole", {{"train", train}});
  whole.run();
  StepRun stopped(*alone_, "train", keys, own_ + "/t", {{"train", train}});
  stopped.run_until_stopped_after(3);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(own_ + "/t/checkpoints")) {
    const std::string bytes = read_file(entry.path());
    write_file_atomically(entry.path(), bytes.substr(0, bytes.size() / 2), false);
    ++files;
  }
  EXPECT_GT(files, 0);
  StepRun again(*alone_, "train", keys, own_ + "/t", {{"train", train}});
  again.run();
  EXPECT_EQ(files_of(again.output()), files_of(whole.output()));
  EXPECT_THAT(again.report.notes, testing::Contains(HasSubstr("are not used")));
}

TEST_F(Steps, AModelThatFailsCountsAgainstTheThresholdOnAllRanks) {
  ToyDataset toy = uneven(400, 1);
  for (std::size_t i = 0; i < toy.row.size(); ++i) {
    if (toy.categories[2 * i] == 2 && toy.categories[2 * i + 1] == 2) toy.classes[i] = 1;  // q, v: one class
    if (toy.categories[2 * i] == 1 && toy.categories[2 * i + 1] == 3)
      toy.features[2 * i] = NAN;  // p, w: no loss
  }
  const auto train = write("train", toy);
  for (const int threshold : {0, 1}) {
    Json some = keys;
    some["error_threshold"] = threshold;
    StepRun refused(all_, "train", some, str(shared_, "/refused", threshold), {{"train", train}});
    try {
      refused.run();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const PeerFailed&) {
      EXPECT_NE(all_.rank(), 0);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::bad_data);
      EXPECT_THAT(e.message(), HasSubstr("of 6 models failed"));
      EXPECT_THAT(e.message(), HasSubstr("q, v: all rows are of the class yes"));
    }
  }
  Json some = keys;
  some["error_threshold"] = 2;
  const auto [many, one] = both("train", some, "t", {{"train", train}});
  EXPECT_EQ(files_of(many), files_of(one));
  EXPECT_EQ(read_json(one + "/models.json").at("models").size(), 4u);
  const std::string table = read_file(one + "/models.csv");
  EXPECT_THAT(table, HasSubstr("q,v,"));
  EXPECT_THAT(table, HasSubstr("failed,all rows are of the class yes"));
  EXPECT_THAT(table, HasSubstr("failed,\"loss is not finite"));
}

TEST_F(Steps, EvaluateAndScoreTakeTheModelOfEachRowsKey) {
  const auto train = write("train", uneven(400, 1)), test = write("test", uneven(333, 2));
  StepRun training(all_, "train", keys, shared_ + "/t", {{"train", train}});
  training.run();
  all_.barrier();
  const std::map<std::string, std::string> inputs = {{"model", training.output()}, {"data", test}};
  const Json evaluation = {
      {"mini_batch_size", 50}, {"slices", "b"}, {"permutation_importance", {{"repeats", 2}}}};
  const auto [many, one] = both("evaluate", evaluation, "e", inputs);
  EXPECT_EQ(files_of(many), files_of(one));
  const auto [scores, scores_alone] = both("score", {{"mini_batch_size", 50}}, "s", inputs);
  EXPECT_EQ(files_of(scores), files_of(scores_alone));
  // Each model has one answer to learn; a model for all rows would have to learn which.
  EXPECT_GT(read_json(one + "/metrics.json").at("accuracy"), 0.85);
}

TEST_F(Steps, RowsWithoutAModelAreNamedOrLeftOut) {
  ToyDataset toy = uneven(200, 2);
  toy.categories[2 * 17] = 0;  // unknown
  const auto train = write("train", uneven(400, 1)), test = write("test", toy);
  StepRun training(all_, "train", keys, shared_ + "/t", {{"train", train}});
  training.run();
  all_.barrier();
  const std::map<std::string, std::string> inputs = {{"model", training.output()}, {"data", test}};
  StepRun refused(all_, "evaluate", Json::object(), shared_ + "/refused", inputs);
  try {
    refused.run();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    EXPECT_THAT(e.message(), HasSubstr("1 of 200 rows have no model"));
  }
  StepRun tolerated(all_, "evaluate", {{"error_threshold", 1}}, shared_ + "/e", inputs);
  tolerated.run();
  if (all_.rank() == 0) {
    EXPECT_EQ(tolerated.report.results.at("rows_without_model"), 1);
    EXPECT_EQ(read_json(tolerated.output() + "/metrics.json").at("rows"), 199);
  }
}

}  // namespace
}  // namespace rankflow
