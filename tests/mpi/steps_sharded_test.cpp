// ZeRO-1: the optimizer's state and the update divided over the ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "steps/flat_parameters.h"
#include "steps/sharded_exchange.h"
#include "tests/mpi/steps_harness.h"
#include "tests/training_harness.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

TEST_F(Steps, AShardedOptimizerTrainsAsAWholeOne) {
  const auto clouds = write("clouds", toy_clouds(203, 3, 1));
  for (const char* optimizer : {"sgd", "adam", "adamw"}) {
    Json keys = {
        {"model", {{"type", "mlp"}, {"hidden", {16}}}},
        {"epochs", 4},
        {"batch_size", 32},
        {"accumulate", 2},
        {"clip_norm", 0.3},
        {"precision", "float64"},
        {"ema", {{"decay", 0.9}}},
        {"optimizer", {{"type", optimizer}, {"weight_decay", 0.1}, {"weight_decay_excludes", {"bias"}}}}};
    const auto whole = train_directly(*alone_, keys, clouds, str(own_, "/", optimizer)).weights();
    keys["shard_optimizer"] = true;
    const auto sharded = train_directly(all_, keys, clouds, str(shared_, "/", optimizer)).weights();
    expect_near(whole, sharded, 1e-9, optimizer);
  }
}

// What is left of the promise in single precision, with threads as they come: two ranks give the same bits either way.
TEST_F(Steps, TwoRanksTrainToTheSameBitsInSharedMemoryAndByMessages) {
  const auto data = write("clouds", toy_clouds(500, 3, 1));
  Json keys = {{"model", {{"type", "mlp"}, {"hidden", {300, 300}}}},
               {"epochs", 2},
               {"batch_size", 64},
               {"clip_norm", 0.3},
               {"optimizer", {{"type", "adamw"}}}};
  const auto trained = [&](const char* overlap) {
    keys["overlap"] = overlap;
    StepRun run(all_, "train", keys, str(shared_, "/", overlap), {{"train", data}});
    run.context.log_folder = str(shared_, "/", overlap);
    run.run();
    return floats(run.output());
  };
  const auto sent = trained("never");
  EXPECT_EQ(sent, trained("auto"));
  const std::string log = read_file(shared_ + "/auto/rank-0.log");
  EXPECT_EQ(log.find("in memory that the 2 ranks of this host share") != log.npos, all_.size() == 2) << log;
}

TEST_F(Steps, WeightsInSharedMemoryTrainAsEachRanksOwn) {
  const auto clouds = write("clouds", toy_clouds(203, 3, 1));
  for (const char* optimizer : {"sgd", "adam", "adamw"}) {
    Json keys = {
        {"model", {{"type", "mlp"}, {"hidden", {300, 300}}}},  // more than is added at once
        {"epochs", 4},
        {"batch_size", 32},
        {"clip_norm", 0.3},
        {"overlap", "shared"},
        {"precision", "float64"},
        {"optimizer", {{"type", optimizer}, {"weight_decay", 0.1}, {"weight_decay_excludes", {"bias"}}}}};
    const auto shared = train_directly(all_, keys, clouds, str(shared_, "/shared-", optimizer)).weights();
    keys["overlap"] = "never";
    const auto sent = train_directly(all_, keys, clouds, str(shared_, "/sent-", optimizer)).weights();
    expect_near(sent, shared, all_.size() <= 2 ? 0 : 1e-9, optimizer);  // a sum of two has one order
  }
}

class ShardedSteps : public Steps, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Overlap, ShardedSteps, testing::Values("never", "shared"));

TEST_P(ShardedSteps, AShardedOptimizersStateIsResumedToTheBit) {
  const auto data = write("clouds", toy_clouds(500, 3, 1));
  const Json keys = {{"overlap", GetParam()},
                     {"shard_optimizer", true},
                     {"select", "best"},
                     {"model", {{"type", "mlp"}, {"hidden", {16}}}},
                     {"epochs", 3},
                     {"batch_size", 64},
                     {"optimizer", {{"type", "adamw"}}}};
  const std::map<std::string, std::string> inputs = {{"train", data}, {"validation", data}};
  StepRun whole(all_, "train", keys, shared_ + "/whole", inputs);
  whole.run();
  StepRun first(all_, "train", keys, shared_ + "/parts", inputs);
  first.run_until_stopped_after(11);
  all_.barrier();
  // A copy of the checkpoint for one rank, which has to find the state of all of them in it.
  if (all_.rank() == 0)
    std::filesystem::copy(shared_ + "/parts", own_ + "/parts", std::filesystem::copy_options::recursive);
  StepRun second(all_, "train", keys, shared_ + "/parts", inputs);
  second.run();
  EXPECT_EQ(floats(whole.output()), floats(second.output()));
  if (all_.rank() == 0) {
    StepRun rest(*alone_, "train", keys, own_ + "/parts", inputs);
    rest.run();
    EXPECT_THAT(rest.report.notes,
                testing::Contains(HasSubstr("goes on from the checkpoint after 12 batches")));
    EXPECT_LT(largest_difference(rest.output(), whole.output()), 1e-4);
  }
  all_.barrier();
}

TEST_P(ShardedSteps, MoreRanksThanCacheLinesOfParametersStillTrain) {
  const auto numbers = write("numbers", toy_numbers(77, 1));
  Json keys = {{"model", {{"type", "linear"}}}, {"epochs", 2}, {"batch_size", 16}, {"precision", "float64"}};
  const auto whole = train_directly(*alone_, keys, numbers, own_ + "/t").weights();
  keys["shard_optimizer"] = true;
  keys["overlap"] = GetParam();
  const auto sharded = train_directly(all_, keys, numbers, shared_ + "/t").weights();
  expect_near(whole, sharded, 1e-12);
}

void expect_every_element_belongs_to_one_rank(bool in_shared_memory) {
  Communicator& comm = test_world().all();
  torch::nn::Sequential model(torch::nn::Linear(50, 30), torch::nn::Linear(30, 7));
  FlatParameters parameters(*model, 3, [](const std::string&, const at::Tensor&) { return false; });
  std::shared_ptr<HostMemory> shared;
  if (in_shared_memory) {
    std::string why;
    shared = HostMemory::make(comm, ShardedExchange::bytes_to_share(comm, parameters), why);
    ASSERT_TRUE(shared) << why;
  }
  const auto parts = parts_of(parameters, comm.size());
  ShardedExchange exchange(comm, parameters, parts, shared);
  const auto ranges = comm.all_gather_value(exchange.own());
  std::int64_t next = 0;
  for (const Range& r : ranges) {
    EXPECT_EQ(r.begin, next);
    EXPECT_EQ(r.begin % 16, 0) << "cache lines are not divided";
    next = r.end;
  }
  EXPECT_EQ(next, parameters.values().numel());

  // Rank r's gradients are r + 1 everywhere: the sum is known, and so is its norm.
  parameters.reduced().fill_(comm.rank() + 1);
  exchange.finish();
  const double sum = comm.size() * (comm.size() + 1) / 2.0;
  const at::Tensor own = parameters.gradients().slice(0, exchange.own().begin, exchange.own().end);
  EXPECT_TRUE(own.eq(sum).all().item<bool>());
  EXPECT_EQ(parameters.extra(2), sum);
  EXPECT_NEAR(exchange.norm(), sum * std::sqrt(static_cast<double>(next)), 1e-3);

  parameters.values().slice(0, exchange.own().begin, exchange.own().end).fill_(comm.rank());
  exchange.share();
  for (int r = 0; r < comm.size(); ++r) {
    const Range range = ranges[static_cast<std::size_t>(r)];
    EXPECT_TRUE(parameters.values().slice(0, range.begin, range.end).eq(r).all().item<bool>()) << r;
  }
}

TEST(ShardedExchange, EveryElementBelongsToOneRank) {
  expect_every_element_belongs_to_one_rank(false);
}

TEST(ShardedExchange, EveryElementBelongsToOneRankInSharedMemory) {
  expect_every_element_belongs_to_one_rank(true);
}

}  // namespace
}  // namespace rankflow
