// Trainings on GPUs against the same on the CPU. On one rank, and on two where there are two GPUs.
#include <gmock/gmock.h>

#include "tests/mpi/steps_harness.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

constexpr int epochs = 3;

/// A model that is good for a dataset of tests/toy_dataset.h, without dropout, whose random numbers differ between devices.
struct Case {
  const char* data;
  Json model;
};

std::vector<Case> built_in_models() {
  return {{"clouds", {{"type", "linear"}}},
          {"clouds", {{"type", "mlp"}, {"hidden", {32, 16}}}},
          {"images", {{"type", "cnn"}, {"channels", {8, 16}}, {"hidden", 16}}},
          {"images", {{"type", "resnet"}}},
          {"table", {{"type", "tabular"}, {"hidden", {16}}}},
          {"images",
           {{"type", "transformer"},
            {"patch", 4},
            {"width", 16},
            {"heads", 2},
            {"layers", 2},
            {"feed_forward", 32},
            {"dropout", 0.0}}},
          {"table",
           {{"type", "transformer"},
            {"width", 16},
            {"heads", 2},
            {"layers", 1},
            {"feed_forward", 32},
            {"dropout", 0.0}}}};
}

/// A training, which its test may look at before and after it runs.
struct TrainingRun : StepRun {
  TrainingRun(Communicator& comm, const Json& keys, const std::string& folder, const std::string& data,
              DeviceKind device)
      : StepRun(comm, "train", keys, folder, {{"train", data}}) {
    context.device = device;
    context.local_rank = comm.rank();
  }
};

class Gpu : public Steps {
 protected:
  void SetUp() override {
    Steps::SetUp();
    folders_ = {{"clouds", write("clouds", toy_clouds(512, 3, 1))},
                {"images", write("images", toy_images(256, 2))},
                {"table", write("table", toy_table(384, 3))}};
  }

  TrainingRun training(const std::string& name, const std::string& data, Json keys, DeviceKind device) {
    keys.emplace("epochs", epochs);
    keys.emplace("batch_size", 64);
    return {all_, keys, shared_ + "/" + name, folders_.at(data), device};
  }
  std::string trained(const std::string& name, const std::string& data, const Json& keys,
                      DeviceKind device = DeviceKind::cuda) {
    TrainingRun run = training(name, data, keys, device);
    run.run();
    return run.output();
  }
  std::string weights(const std::string& model) { return read_file(model + "/model.safetensors"); }
  static double last_loss(const std::string& model) {
    return read_json(model + "/model.json").at("metrics").at("train_loss");
  }
  Error failure(StepRun& run) {
    try {
      run.run();
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ExitStatus::ok, "");
  }

  std::map<std::string, std::string> folders_;
};

TEST_F(Gpu, TrainsEveryBuiltInModelAsTheCpuDoes) {
  int number = 0;
  for (const Case& c : built_in_models()) {
    SCOPED_TRACE(c.model.dump());
    const Json keys = {{"model", c.model},
                       {"precision", "float64"},
                       {"optimizer", {{"type", "sgd"}, {"learning_rate", 0.05}}}};
    const std::string name = str("model-", number++);
    const auto cpu = trained(name + "-cpu", c.data, keys, DeviceKind::cpu),
               gpu = trained(name + "-gpu", c.data, keys);
    EXPECT_LT(largest_difference(cpu, gpu), 1e-6);  // written as float32
    EXPECT_NEAR(last_loss(cpu), last_loss(gpu), 1e-9);
  }
}

TEST_F(Gpu, TrainsInFloat32AsTheCpuDoesWithinRounding) {
  for (const Json& optimizer :
       {Json{{"type", "adamw"}}, Json{{"type", "adam"}}, Json{{"type", "sgd"}, {"momentum", 0.9}}}) {
    const Json keys = {{"model", {{"type", "mlp"}, {"hidden", {32}}}}, {"optimizer", optimizer}};
    const std::string name = optimizer.at("type");
    EXPECT_NEAR(last_loss(trained(name + "-cpu", "clouds", keys, DeviceKind::cpu)),
                last_loss(trained(name, "clouds", keys)), 1e-3);
  }
}

TEST_F(Gpu, TrainsInSixteenBits) {
  for (const char* precision : {"bfloat16", "float16"}) {
    Json keys = {{"model", {{"type", "cnn"}, {"channels", {8}}, {"hidden", 16}}}, {"epochs", 8}};
    const double full = last_loss(trained(str(precision, "-full"), "images", keys));
    keys["precision"] = precision;
    EXPECT_NEAR(last_loss(trained(precision, "images", keys)), full, 0.1 * full + 0.02) << precision;
  }
}

TEST_F(Gpu, GoesOnFromACheckpointToTheSameBits) {
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {32}}, {"dropout", 0.3}}},
               {"deterministic", true},
               {"precision", "float16"}};
  keys["checkpoint"] = {{"every_batches", 2}};
  const auto whole = trained("whole", "clouds", keys);
  TrainingRun stopped = training("stopped", "clouds", keys, DeviceKind::cuda);
  stopped.run_until_stopped_after(7);
  EXPECT_EQ(weights(whole), weights(trained("stopped", "clouds", keys)));
}

TEST_F(Gpu, GivesTheSameBitsEachTimeWhereItIsDeterministic) {
  const Json keys = {{"model", {{"type", "cnn"}, {"channels", {8, 16}}, {"hidden", 16}, {"dropout", 0.2}}},
                     {"deterministic", true}};
  EXPECT_EQ(weights(trained("first", "images", keys)), weights(trained("second", "images", keys)));
}

TEST_F(Gpu, GivesTheSameBitsWhetherKernelsAreStartedTogetherOrOneByOne) {
  for (const char* precision : {"float32", "float16"}) {
    Json keys = {{"model", {{"type", "mlp"}, {"hidden", {32, 32}}, {"dropout", 0.2}}},
                 {"precision", precision},
                 {"batch_size", 60}};
    keys["overlap"] = "never";
    keys["cuda_graph"] = "never";
    const auto eager = trained(str("eager-", precision), "clouds", keys);
    keys["cuda_graph"] = "always";
    EXPECT_EQ(weights(eager), weights(trained(str("graph-", precision), "clouds", keys))) << precision;
  }
}

TEST_F(Gpu, AddsUpMicroBatches) {
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {32}}}}, {"precision", "float64"}};
  const auto whole = trained("whole", "clouds", keys);
  keys["accumulate"] = 4;
  EXPECT_LT(largest_difference(whole, trained("parts", "clouds", keys)), 1e-6);
}

TEST_F(Gpu, DividesTheOptimizerAndTakesLocalStepsAsTheCpuDoes) {
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {32}}}}, {"precision", "float64"}};
  keys["shard_optimizer"] = true;
  EXPECT_LT(largest_difference(trained("sharded-cpu", "clouds", keys, DeviceKind::cpu),
                               trained("sharded", "clouds", keys)),
            1e-6);
  keys["shard_optimizer"] = false;
  keys["local_steps"] = {{"batches", 2}};
  EXPECT_LT(largest_difference(trained("local-cpu", "clouds", keys, DeviceKind::cpu),
                               trained("local", "clouds", keys)),
            1e-6);
}

TEST_F(Gpu, CompressesGradients) {
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {32}}}}};
  const double full = last_loss(trained("full", "clouds", keys));
  keys["gradient_compression"] = "bfloat16";
  EXPECT_NEAR(last_loss(trained("compressed", "clouds", keys)), full, 0.05 * full + 0.01);
}

TEST_F(Gpu, SaysThatTheMemoryOfTheGpuIsFull) {
  TrainingRun run = training("large", "clouds", {{"model", {{"type", "mlp"}, {"hidden", {300000, 300000}}}}},
                             DeviceKind::cuda);
  const Error e = failure(run);  // 360 GB
  EXPECT_THAT(e.message(), testing::AnyOf(HasSubstr("memory is full"), HasSubstr("memory")));
  EXPECT_THAT(e.hint(), HasSubstr("batch"));
}

TEST_F(Gpu, RefusesTwoRanksOnOneGpu) {
  if (all_.size() == 1) return;  // nobody to share with
  TrainingRun run = training("shared", "clouds", {{"model", {{"type", "linear"}}}}, DeviceKind::cuda);
  run.context.local_rank = 0;
  EXPECT_THAT(failure(run).message(), HasSubstr("would share one GPU"));
}

}  // namespace
}  // namespace rankflow
