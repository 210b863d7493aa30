// train, evaluate and score on several ranks against what one rank gives.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "io/json.h"
#include "steps/weights.h"
#include "tests/mpi/steps_harness.h"
#include "tests/training_harness.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

const Json small_transformer = {
    {"type", "transformer"}, {"patch", 4}, {"width", 8}, {"heads", 2}, {"feed_forward", 16}};

TEST_F(Steps, GradientsOfEveryModelAreThoseOfTheJoinedBatch) {
  // A step of length 1 without momentum moves the weights by the gradient itself; in micro-batches too.
  const auto clouds = write("clouds", toy_clouds(203, 3, 1)), table = write("table", toy_table(101, 1));
  const auto images = write("images", toy_images(61, 1)), numbers = write("numbers", toy_numbers(77, 1));
  for (const auto& [name, data, model] :
       {std::tuple{"mlp", clouds, Json{{"type", "mlp"}, {"hidden", {32}}}},
        std::tuple{"linear", clouds, Json{{"type", "linear"}}},
        std::tuple{"regression", numbers, Json{{"type", "linear"}}},
        std::tuple{"tabular", table, Json{{"type", "tabular"}, {"hidden", {8}}}},
        std::tuple{"cnn", images, Json{{"type", "cnn"}, {"channels", {4}}, {"hidden", 8}}},
        std::tuple{"patches", images, small_transformer}, std::tuple{"tokens", table, small_transformer}}) {
    for (const int accumulate : {1, 3}) {
      Json keys = {{"model", model},
                   {"epochs", 1},
                   {"batch_size", 256},
                   {"precision", "float64"},
                   {"optimizer", {{"type", "sgd"}, {"learning_rate", 1.0}, {"momentum", 0.0}}}};
      const auto one = train_directly(*alone_, keys, data, str(own_, "/", name, accumulate)).weights();
      keys["accumulate"] = accumulate;
      for (const char* overlap : {"shared", "never"}) {  // in shared memory, and in messages
        keys["overlap"] = overlap;
        const auto many =
            train_directly(all_, keys, data, str(shared_, "/", name, accumulate, overlap)).weights();
        expect_near(one, many, 1e-12, str(name, ", overlap ", overlap));
      }
    }
  }
}

// Batch normalisation takes mean and variance of the rows that it sees at once: one rank sees the same ones as several where
// it works in as many micro-batches. The toy images are cut evenly: 60 rows, 12 micro-batches on 4 ranks.
TEST_F(Steps, GradientsWithBatchNormalisationAreThoseOfTheJoinedBatchInTheSamePieces) {
  const auto images = write("images", toy_images(60, 1));
  for (const int accumulate : {1, 3}) {
    Json keys = {{"model", {{"type", "resnet"}, {"blocks", {1, 1}}, {"channels", 4}}},
                 {"epochs", 1},
                 {"batch_size", 60},
                 {"precision", "float64"},
                 {"accumulate", accumulate * all_.size()},
                 {"optimizer", {{"type", "sgd"}, {"learning_rate", 1.0}, {"momentum", 0.0}}}};
    const auto one = train_directly(*alone_, keys, images, str(own_, "/", accumulate)).weights();
    keys["accumulate"] = accumulate;
    for (const char* overlap : {"shared", "never"}) {
      keys["overlap"] = overlap;
      const auto many = train_directly(all_, keys, images, str(shared_, "/", accumulate, overlap)).weights();
      expect_near(one, many, 1e-12, str("accumulate ", accumulate, ", overlap ", overlap));
    }
  }
}

TEST_F(Steps, EveryOptionGivesTheSameTrainingOnSeveralRanks) {
  const auto clouds = write("clouds", toy_clouds(203, 3, 1));
  const Json keys = {{"model", {{"type", "mlp"}, {"hidden", {16}}}},
                     {"epochs", 4},
                     {"batch_size", 32},
                     {"accumulate", 2},
                     {"clip_norm", 0.3},
                     {"precision", "float64"},
                     {"ema", {{"decay", 0.9}}},
                     {"class_weights", "balanced"},
                     {"label_smoothing", 0.1},
                     {"prefetch", "always"},
                     {"schedule", {{"type", "one_cycle"}}},
                     {"optimizer", {{"type", "adamw"}, {"weight_decay_excludes", {"bias"}}}}};
  const auto one = train_directly(*alone_, keys, clouds, own_ + "/t").weights();
  const auto many = train_directly(all_, keys, clouds, shared_ + "/t").weights();
  expect_near(one, many, 1e-9);
}

TEST_F(Steps, DeterministicTrainingGivesTheSameBitsOnAnyNumberOfRanks) {
  const auto clouds = write("clouds", toy_clouds(203, 3, 1)), images = write("images", toy_images(61, 1));
  for (const auto& [name, data, model] :
       {std::tuple{"mlp", clouds, Json{{"type", "mlp"}, {"hidden", {32}}, {"dropout", 0.3}}},
        std::tuple{"cnn", images, Json{{"type", "cnn"}, {"channels", {4}}, {"hidden", 8}}},
        std::tuple{"resnet", images, Json{{"type", "resnet"}, {"blocks", {1}}, {"channels", 4}}}}) {
    const Json keys = {{"model", model},        {"epochs", 3},      {"batch_size", 20},
                       {"deterministic", true}, {"clip_norm", 0.5}, {"optimizer", {{"type", "adamw"}}}};
    const auto alone = train_directly(*alone_, keys, data, str(own_, "/", name));
    const auto together = train_directly(all_, keys, data, str(shared_, "/", name));
    EXPECT_EQ(alone.weights(), together.weights()) << name;
    EXPECT_EQ(alone.buffers(), together.buffers()) << name;
    if (all_.rank() == 0) {
      EXPECT_EQ(alone.losses, together.losses) << name;
    }
  }
}

TEST_F(Steps, DeterministicTrainingPublishesTheSameBytes) {
  const auto images = write("images", toy_images(61, 1));
  const Json keys = {{"model", {{"type", "resnet"}, {"blocks", {1}}, {"channels", 4}}},
                     {"epochs", 2},
                     {"batch_size", 20},
                     {"deterministic", true}};
  const auto [together, alone] = both("train", keys, "t", {{"train", images}});
  run_together(all_, [&] {
    EXPECT_EQ(read_file(together + "/model.safetensors"), read_file(alone + "/model.safetensors"));
  });
}

TEST_F(Steps, DeterministicTrainingGoesOnOnAnotherNumberOfRanks) {
  const auto clouds = write("clouds", toy_clouds(203, 3, 1));
  const Json keys = {{"model", {{"type", "mlp"}, {"hidden", {16}}}},
                     {"epochs", 3},
                     {"batch_size", 20},
                     {"deterministic", true},
                     {"checkpoint", {{"every_batches", 5}}}};
  StepRun whole(*alone_, "train", keys, own_ + "/whole", {{"train", clouds}});
  whole.run();
  // All ranks together until after batch 7, then the first one alone.
  StepRun begun(all_, "train", keys, shared_ + "/parts", {{"train", clouds}});
  begun.run_until_stopped_after(7);
  all_.barrier();
  if (all_.rank() != 0) return;
  StepRun rest(*alone_, "train", keys, shared_ + "/parts", {{"train", clouds}});
  rest.run();
  EXPECT_THAT(rest.report.notes, testing::Contains(HasSubstr("goes on from the checkpoint after")));
  EXPECT_EQ(largest_difference(rest.output(), whole.output()), 0);
}

TEST_F(Steps, DeterministicTrainingRefusesRanksThatCannotShareItsShards) {
  const auto clouds = write("clouds", toy_clouds(50, 3, 1));
  const Json keys = {{"model", {{"type", "linear"}}}, {"deterministic", true}, {"deterministic_shards", 1}};
  StepRun run(all_, "train", keys, shared_ + "/t", {{"train", clouds}});
  if (all_.size() == 1) {
    EXPECT_NO_THROW(run.run());
    return;
  }
  try {
    run.run();
    ADD_FAILURE() << "one shard on several ranks";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    EXPECT_THAT(e.message(), HasSubstr("can't share equally"));
  }
}

TEST_F(Steps, OverlapChangesNoBit) {
  const auto clouds = write("clouds", toy_clouds(203, 3, 1));
  for (const char* compression : {"none", "bfloat16", "float16"}) {
    Json keys = {{"model", {{"type", "mlp"}, {"hidden", {16, 16}}}},
                 {"epochs", 2},
                 {"batch_size", 20},
                 {"accumulate", 2},
                 {"gradient_compression", compression},
                 {"optimizer", {{"type", "adamw"}, {"weight_decay_excludes", {"bias"}}}}};
    keys["overlap"] = "never";
    const auto after = train_directly(all_, keys, clouds, str(shared_, "/never", compression)).weights();
    keys["overlap"] = "always";
    const auto beside = train_directly(all_, keys, clouds, str(shared_, "/always", compression)).weights();
    EXPECT_TRUE(after == beside) << compression;
    const auto everywhere = all_.all_gather_vector(std::span<const double>(beside));
    for (std::size_t i = 0; i < everywhere.size(); ++i)
      ASSERT_EQ(everywhere[i], beside[i % beside.size()]) << compression << ": the ranks' weights differ";
  }
}

TEST_F(Steps, CompressedGradientsTrainAsWellAsWholeOnes) {
  const auto clouds = write("clouds", toy_clouds(500, 3, 1));
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {16}}}}, {"epochs", 5}, {"batch_size", 32}};
  const auto whole = train_directly(all_, keys, clouds, shared_ + "/whole");
  for (const char* compression : {"bfloat16", "float16"}) {
    keys["gradient_compression"] = compression;
    const auto halves = train_directly(all_, keys, clouds, str(shared_, "/", compression));
    const double expected = whole.result.metrics.at("train_loss"),
                 loss = halves.result.metrics.at("train_loss");
    EXPECT_NEAR(loss, expected, 0.02 * expected) << compression;
    EXPECT_EQ(whole.weights() == halves.weights(), all_.size() == 1) << compression;
  }
}

TEST_F(Steps, HalvesCannotCarryDoubles) {
  const auto clouds = write("clouds", toy_clouds(20, 3, 1));
  const Json keys = {
      {"model", {{"type", "linear"}}}, {"precision", "float64"}, {"gradient_compression", "bfloat16"}};
  try {
    train_directly(all_, keys, clouds, shared_ + "/t");
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
  }
}

TEST_F(Steps, OneStepFollowsTheGradientOfTheJoinedBatch) {
  // A step of length 1 without momentum moves the weights by the gradient itself.
  const Json plain = {{"type", "sgd"}, {"learning_rate", 1.0}, {"momentum", 0.0}};
  const auto clouds = write("clouds", toy_clouds(203, 3, 1));
  const auto images = write("images", toy_images(61, 1));
  for (const auto& [name, data, model] :
       {std::tuple{"mlp", clouds, Json{{"type", "mlp"}, {"hidden", {32}}}},
        std::tuple{"linear", clouds, Json{{"type", "linear"}}},
        std::tuple{"cnn", images, Json{{"type", "cnn"}, {"channels", {4}}, {"hidden", 8}}}}) {
    const auto [many, one] =
        both("train", {{"model", model}, {"epochs", 1}, {"batch_size", 256}, {"optimizer", plain}}, name,
             {{"train", data}});
    EXPECT_LT(largest_difference(many, one), 1e-6) << name;
  }
}

TEST_F(Steps, TrainingOnSeveralRanksIsTheSameTraining) {
  const auto train = write("train", toy_clouds(500, 3, 1)),
             validation = write("validation", toy_clouds(300, 3, 2));
  const Json keys = {{"model", {{"type", "mlp"}, {"hidden", {16}}}}, {"epochs", 3}, {"batch_size", 33}};
  const auto [many, one] = both("train", keys, "t", {{"train", train}, {"validation", validation}});
  EXPECT_LT(largest_difference(many, one), 1e-4);
  const Json a = read_json(many + "/model.json"), b = read_json(one + "/model.json");
  for (std::size_t epoch = 0; epoch < 3; ++epoch) {
    EXPECT_NEAR(a.at("history")[epoch].at("train_loss"), b.at("history")[epoch].at("train_loss"), 1e-5);
    EXPECT_NEAR(a.at("history")[epoch].at("validation_loss"), b.at("history")[epoch].at("validation_loss"),
                1e-5);
  }
}

TEST_F(Steps, MoreRanksThanRowsStillTrain) {
  const auto data = write("few", toy_clouds(3, 2, 1));
  const auto [many, one] = both("train", {{"model", {{"type", "linear"}}}, {"epochs", 4}, {"batch_size", 2}},
                                "t", {{"train", data}});
  EXPECT_LT(largest_difference(many, one), 1e-6);
}

TEST_F(Steps, StoppedByOneRankAndResumedGivesTheSameBytes) {
  const auto data = write("clouds", toy_clouds(500, 3, 1));
  const Json keys = {
      {"model", {{"type", "mlp"}, {"hidden", {16}}, {"dropout", 0.3}}}, {"epochs", 3}, {"batch_size", 64}};
  StepRun whole(all_, "train", keys, shared_ + "/whole", {{"train", data}});
  whole.run();
  {
    StepRun first(all_, "train", keys, shared_ + "/parts", {{"train", data}});
    first.run_until_stopped_after(11);
  }
  StepRun second(all_, "train", keys, shared_ + "/parts", {{"train", data}});
  second.run();
  EXPECT_EQ(read_file(whole.output() + "/model.safetensors"),
            read_file(second.output() + "/model.safetensors"));
  EXPECT_EQ(read_file(whole.output() + "/model.json"), read_file(second.output() + "/model.json"));
}

TEST_F(Steps, RunningStatisticsAreSharedAndResumedToTheBit) {
  const auto images = write("images", toy_images(61, 1)), validation = write("validation", toy_images(40, 2));
  const Json keys = {{"model", {{"type", "resnet"}, {"blocks", {1, 1}}, {"channels", 4}}},
                     {"epochs", 3},
                     {"batch_size", 30},  // the last batch has one row: some ranks have none
                     {"checkpoint", {{"every_seconds", 0}}}};
  const std::map<std::string, std::string> inputs = {{"train", images}, {"validation", validation}};
  StepRun whole(all_, "train", keys, shared_ + "/whole", inputs);
  whole.run();
  StepRun first(all_, "train", keys, shared_ + "/parts", inputs);
  first.run_until_stopped_after(4);
  StepRun second(all_, "train", keys, shared_ + "/parts", inputs);
  second.run();
  all_.barrier();
  EXPECT_EQ(read_file(whole.output() + "/model.safetensors"),
            read_file(second.output() + "/model.safetensors"));
  const StoredWeights weights(whole.output());
  for (const auto& t : weights.tensors()) {
    if (t.name != "bn1.num_batches_tracked") continue;
    std::int64_t batches = 0;
    std::memcpy(&batches, t.data, sizeof batches);
    EXPECT_EQ(batches, 9);
  }
}

TEST_F(Steps, ACheckpointOfSeveralRanksServesOne) {
  const auto data = write("clouds", toy_clouds(500, 3, 1));
  const Json keys = {{"model", {{"type", "linear"}}}, {"epochs", 4}, {"batch_size", 64}};
  StepRun first(all_, "train", keys, shared_ + "/t", {{"train", data}});
  first.run_until_stopped_after(13);
  if (all_.rank() == 0) {
    StepRun rest(*alone_, "train", keys, shared_ + "/t", {{"train", data}});
    rest.run();
    StepRun whole(*alone_, "train", keys, own_ + "/whole", {{"train", data}});
    whole.run();
    EXPECT_LT(largest_difference(rest.output(), whole.output()), 1e-5);
  }
  all_.barrier();
}

TEST_F(Steps, NaNInOneRanksRowsEndsAllRanksAtTheSameBatch) {
  auto toy = toy_clouds(200, 3, 1);
  toy.features[4 * 127] = std::nanf("");  // the last row of its batch: the last rank has it
  const auto data = write("nan", toy);
  StepRun step(all_, "train", {{"model", {{"type", "linear"}}}, {"batch_size", 64}, {"shuffle", false}},
               shared_ + "/t", {{"train", data}});
  try {
    step.run();
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    EXPECT_EQ(e.message(),
              "loss is not finite at epoch 1, batch 2: 1 of 64 rows, the first is source row 264");
  }
  EXPECT_TRUE(all_.all_agree(true)) << "the communicator is still good";
}

TEST_F(Steps, OneRankThatCannotStartFailsAll) {
  const auto data = write("clouds", toy_clouds(100, 3, 1));
  StepRun step(all_, "train", {{"model", {{"type", "linear"}}}}, shared_ + "/t",
               {{"train", all_.rank() == all_.size() - 1 ? shared_ + "/missing" : data}});
  if (all_.rank() == all_.size() - 1) {
    EXPECT_THROW(step.run(), Error);
  } else {
    EXPECT_THROW(step.run(), PeerFailed);
  }
}

TEST_F(Steps, EvaluateAndScoreGiveTheSameBytesOnAnyNumberOfRanks) {
  const auto clouds = write("clouds", toy_clouds(300, 3, 1)), test = write("test", toy_clouds(1003, 3, 2));
  const auto two = write("two", toy_clouds(300, 2, 1)), two_test = write("two_test", toy_clouds(501, 2, 2));
  const auto numbers = write("numbers", toy_numbers(300, 1)),
             numbers_test = write("numbers_test", toy_numbers(333, 2));
  for (const auto& [name, train, data] :
       {std::tuple{"clouds", clouds, test}, std::tuple{"two", two, two_test},
        std::tuple{"numbers", numbers, numbers_test}}) {
    StepRun training(all_, "train", {{"model", {{"type", "mlp"}, {"hidden", {32}}}}, {"epochs", 2}},
                     str(shared_, "/model_", name), {{"train", train}});
    training.run();
    all_.barrier();
    const std::map<std::string, std::string> inputs = {{"model", training.output()}, {"data", data}};
    // 10 rows: many rounds; 400: fewer mini-batches than four ranks; 5,000: one.
    for (const int size : {10, 400, 5000}) {
      const auto [many, one] = both("score", {{"mini_batch_size", size}}, str(name, "score", size), inputs);
      for (const char* file : {"/scores.csv", "/scores.h5", "/summary.json"}) {
        EXPECT_EQ(read_file(many + file), read_file(one + file)) << name << file << size;
      }
      const auto [many_metrics, one_metrics] =
          both("evaluate", {{"mini_batch_size", size}}, str(name, "evaluate", size), inputs);
      for (const char* file : {"/metrics.json", "/confusion.csv", "/calibration.csv", "/roc.csv"}) {
        EXPECT_EQ(exists(many_metrics + file), exists(one_metrics + file));
        if (!exists(one_metrics + file)) continue;
        EXPECT_EQ(read_file(many_metrics + file), read_file(one_metrics + file)) << name << file << size;
      }
    }
  }
}

TEST_F(Steps, ScoringStopsWhenOneRankIsAsked) {
  const auto data = write("clouds", toy_clouds(300, 3, 1));
  StepRun training(all_, "train", {{"model", {{"type", "linear"}}}, {"epochs", 1}}, shared_ + "/t",
                   {{"train", data}});
  training.run();
  all_.barrier();
  StepRun step(all_, "score", Json::object(), shared_ + "/s", {{"model", training.output()}, {"data", data}});
  if (all_.rank() == all_.size() - 1) step.stop.request();
  EXPECT_THROW(step.run(), Stopped);
}

}  // namespace
}  // namespace rankflow
