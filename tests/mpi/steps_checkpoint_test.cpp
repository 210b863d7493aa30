// Checkpoints of trainings whose state is divided over the ranks: sets of files, one from each rank.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>

#include "steps/training_checkpoints.h"
#include "tests/mpi/steps_harness.h"
#include "tests/training_harness.h"

namespace rankflow {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

/// A training that never takes a step: its state is what a test puts there.
struct Standing {
  StepRun run;
  TrainingPlan plan;
  StepDevice device;
  std::shared_ptr<Model> model;
  FlatParameters parameters;
  GradientExchange exchange;
  std::unique_ptr<Optimizer> optimizer;
  std::optional<LocalSteps> local;
  std::optional<MovingAverage> average;
  ModelSelection selection;
  Checkpoints files;
  TrainingCheckpoints checkpoints;

  Standing(Communicator& comm, const std::string& images, const std::string& folder, const Json& more)
      : run(comm, "train", keys(more), folder, {{"train", images}}),
        plan(run.context.parameters),
        device(run.context, {.exchanges = true}),
        model(make_model(run.context.parameters.at("model"), model_input(Dataset(images).info()))),
        parameters(*model, 4,
                   [](const std::string& name, const at::Tensor&) { return name.ends_with("bias"); }),
        exchange(run.context, device, parameters, plan),
        optimizer(make_optimizer(plan.optimizer, part(parameters.values(), exchange.own()),
                                 part(parameters.gradients(), exchange.own()),
                                 {{Range{0, exchange.own().size()}, true}})),
        selection(plan, *model),
        files(folder + "/checkpoints", Json::object(), run.context.parameters.at("checkpoint").at("keep")),
        checkpoints(comm, device.comm(), files,
                    {*model, parameters, exchange, *optimizer, local, average, selection}) {
    if (plan.ema_decay > 0) average.emplace(parameters.values(), plan.ema_decay);
  }
  static Json keys(const Json& more) {
    Json keys = {{"model", {{"type", "resnet"}, {"blocks", {1}}, {"channels", 4}}},
                 {"shard_optimizer", true},
                 {"select", "best"},
                 {"optimizer", {{"type", "adamw"}}}};
    keys.update(more);
    return keys;
  }

  /// All that a checkpoint holds, with what numbers it has after `step`: the same on any number of ranks.
  struct Piece {
    at::Tensor tensor, expected;
  };
  std::vector<Piece> pieces(std::int64_t step) const {
    std::vector<Piece> all;
    double seed = static_cast<double>(step);
    const auto numbers = [&](const at::Tensor& like) {
      const at::Tensor wave = torch::arange(like.numel(), at::kDouble).add(seed += 1).sin().mul(1000);
      return wave.to(like.scalar_type()).reshape(like.sizes());
    };
    at::Tensor padding = torch::ones_like(parameters.values());  // is zero, always
    for (const auto& t : parameters.named(padding, "")) at::Tensor(t.tensor).zero_();
    const auto flat_numbers = [&] { return numbers(parameters.values()).mul_(1 - padding); };
    all.push_back({parameters.values(), flat_numbers()});
    for (const auto& t : optimizer->state()) all.push_back({t.tensor, part(flat_numbers(), exchange.own())});
    if (average) all.push_back({average->average(), flat_numbers()});
    for (const auto& b : model->buffers()) all.push_back({b, numbers(b)});
    for (const auto& t : optimizer->scalars()) all.push_back({t.tensor, numbers(t.tensor)});
    for (const auto& t : selection.best()) all.push_back({t.tensor, numbers(t.tensor)});
    return all;
  }
  void reach(std::int64_t step) {
    torch::NoGradGuard no_grad;
    run.context.comm.barrier();  // values may be in memory that the ranks share
    for (const Piece& p : pieces(step)) at::Tensor(p.tensor).detach().copy_(p.expected);
    run.context.comm.barrier();
  }
  void save(std::int64_t step) {
    reach(step);
    checkpoints.save(step, {{"step", step}});
  }
  /// Expects to go on from `step`, and returns the notes.
  std::vector<std::string> expect_restored(std::int64_t step) {
    std::vector<std::string> notes;
    const auto progress = checkpoints.restore(notes);
    EXPECT_TRUE(progress);
    if (!progress) return notes;
    EXPECT_EQ(progress->at("step"), step);
    std::size_t i = 0;
    for (const Piece& p : pieces(step)) {
      EXPECT_TRUE(torch::equal(p.tensor, p.expected)) << "piece " << i;
      ++i;
    }
    return notes;
  }
};

class CheckpointSets : public Steps, public testing::WithParamInterface<const char*> {
 protected:
  std::string images_;
  Json keys_;

  void SetUp() override {
    Steps::SetUp();
    images_ = write("images", toy_images(20, 1));
    keys_ = {{"overlap", GetParam()}};
    if (keys_ == Json{{"overlap", "never"}}) keys_["ema"] = {{"decay", 0.9}};
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(shared_ + "/t/checkpoints"))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }
  /// The file with the last rank's part of the newest set.
  std::string last_part() const { return shared_ + "/t/checkpoints/" + names().back(); }
  /// On the first rank, between barriers.
  void alone(const std::function<void()>& work) {
    run_together(all_, [&] {
      if (all_.rank() == 0) work();
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Overlap, CheckpointSets, testing::Values("never", "shared"));

TEST_P(CheckpointSets, AnyNumberOfRanksTakesThemToTheBit) {
  {
    Standing training(all_, images_, shared_ + "/t", keys_);
    training.save(7);
    training.checkpoints.finish();
  }
  Standing same(all_, images_, shared_ + "/t", keys_);
  EXPECT_THAT(same.expect_restored(7), IsEmpty());
  const auto half = all_.split(all_.rank() % 2);
  Standing fewer(*half, images_, shared_ + "/t", keys_);
  EXPECT_THAT(fewer.expect_restored(7), IsEmpty());
  Standing one(*alone_, images_, shared_ + "/t", keys_);
  EXPECT_THAT(one.expect_restored(7), IsEmpty());
  Json undivided = keys_;
  undivided["shard_optimizer"] = false;
  undivided["overlap"] = "never";
  Standing each(all_, images_, shared_ + "/t", undivided);
  EXPECT_THAT(each.expect_restored(7), IsEmpty());
  half->close();
}

TEST_P(CheckpointSets, MoreRanksTakeThoseOfFewer) {
  const auto half = all_.split(all_.rank() % 2);
  const std::string folder = str(shared_, "/half", all_.rank() % 2);
  {
    Standing training(*half, images_, folder, keys_);
    training.save(7);
    training.checkpoints.finish();
  }
  half->close();
  all_.barrier();
  Standing more(all_, images_, shared_ + "/half0", keys_);
  EXPECT_THAT(more.expect_restored(7), IsEmpty());
  {
    Standing one(*alone_, images_, own_ + "/one", keys_);
    one.save(9);
    one.checkpoints.finish();
  }
  all_.barrier();
  Standing from_one(all_, images_, shared_ + "/rank0/one", keys_);
  EXPECT_THAT(from_one.expect_restored(9), IsEmpty()) << "one file of one rank";
}

TEST_P(CheckpointSets, EachRankWritesItsPartAndTheNewestSetsStay) {
  Standing training(all_, images_, shared_ + "/t", keys_);
  for (const int step : {4, 8, 12}) training.save(step);
  training.checkpoints.finish();
  all_.barrier();
  const auto ranks = static_cast<std::size_t>(all_.size());
  if (all_.size() == 1) {
    EXPECT_EQ(names().size(), 2u) << "one rank has no need of parts";
    return;
  }
  ASSERT_EQ(names().size(), 2 * (ranks + 1));
  EXPECT_EQ(names()[0], "checkpoint-000000000008.h5");
  EXPECT_EQ(names()[1], "checkpoint-000000000012.h5");
  EXPECT_THAT(names()[2], HasSubstr("part-000000000008-"));
  EXPECT_THAT(names().back(), HasSubstr(str("-", ranks - 1, "-of-", ranks, ".h5")));
  // No rank writes much more than its share.
  std::size_t largest = 0, total = 0;
  for (std::size_t p = 0; p < ranks; ++p) {
    std::size_t bytes = 0;
    const auto file = read_tensor_file(str(shared_, "/t/checkpoints/", names()[2 + ranks + p]));
    for (const auto& t : file.tensors) bytes += t.data.size();
    largest = std::max(largest, bytes), total += bytes;
  }
  EXPECT_LT(static_cast<double>(largest), 1.5 * static_cast<double>(total) / static_cast<double>(ranks));
  all_.barrier();
}

TEST_P(CheckpointSets, ADamagedPartGivesWayToTheSetBefore) {
  if (all_.size() == 1) return;  // one rank writes no parts
  const auto flip = [](const std::string& path) {
    const auto data = read_tensor_file(path).tensors.front().data;
    std::string bytes = read_file(path);
    bytes[bytes.find(std::string_view(reinterpret_cast<const char*>(data.data()), data.size()))] ^= 1;
    write_file_atomically(path, bytes, false);
  };
  const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> damages = {
      {"its checksum", flip},
      {"last part", [](const std::string& path) { std::filesystem::resize_file(path, 700); }},
      {"is missing", [](const std::string& path) { std::filesystem::remove(path); }},
      {"is of another checkpoint", [](const std::string& path) {
         const auto stored = read_tensor_file(path);
         write_tensor_file(path, {}, {{"format", 1}, {"set", "another"}});
       }}};
  for (const auto& [said, damage] : damages) {
    {
      Standing training(all_, images_, shared_ + "/t", keys_);
      training.save(4);
      training.save(8);
      training.checkpoints.finish();
    }
    std::string path;
    alone([&] { path = last_part(); });
    alone([&] { damage(path); });
    Standing training(all_, images_, shared_ + "/t", keys_);
    const auto notes = training.expect_restored(4);
    if (all_.rank() == 0) {
      ASSERT_EQ(notes.size(), 1u);
      EXPECT_THAT(notes[0], HasSubstr("checkpoint-000000000008.h5 is damaged: not used"));
      EXPECT_THAT(notes[0], HasSubstr(path));
      if (said != "last part") {
        EXPECT_THAT(notes[0], HasSubstr(said));
      }
    }
    all_.barrier();
  }
}

TEST_P(CheckpointSets, AKillBetweenPartsLeavesTheSetBefore) {
  if (all_.size() == 1) return;  // one rank writes no parts
  Standing training(all_, images_, shared_ + "/t", keys_);
  training.save(4);
  training.checkpoints.finish();
  {
    Standing killed(all_, images_, shared_ + "/t", keys_);
    killed.save(8);  // its threads write the parts, and nothing says that these are a checkpoint
  }
  alone([&] { std::filesystem::remove(last_part()); });
  EXPECT_THAT(training.expect_restored(4), IsEmpty());
  training.save(8);
  training.checkpoints.finish();
  alone([&] {
    EXPECT_EQ(names().size(), 2u * (static_cast<std::size_t>(all_.size()) + 1)) << "what was left is gone";
  });
  EXPECT_THAT(training.expect_restored(8), IsEmpty());
}

// Committed by the training itself, at the batch at which no rank has anything left to write.
TEST_P(CheckpointSets, CountAsSoonAsEveryRankHasWritten) {
  Standing training(all_, images_, shared_ + "/t", keys_);
  training.save(4);
  while (all_.all_reduce_value<std::int32_t>(training.checkpoints.unwritten() ? 1 : 0, ReduceOp::sum) > 0) {
  }
  training.checkpoints.commit();
  training.checkpoints.commit();  // nothing is left to commit
  while (all_.all_reduce_value<std::int32_t>(training.checkpoints.unwritten() ? 1 : 0, ReduceOp::sum) > 0) {
  }
  Standing other(all_, images_, shared_ + "/t", keys_);
  EXPECT_THAT(other.expect_restored(4), IsEmpty());
}

TEST_P(CheckpointSets, ADamagedPartCostsTheTrainingNoBit) {
  const auto data = write("clouds", toy_clouds(500, 3, 1));
  const Json keys = {{"overlap", GetParam()},
                     {"shard_optimizer", true},
                     {"select", "best"},
                     {"model", {{"type", "mlp"}, {"hidden", {16}}, {"dropout", 0.2}}},
                     {"epochs", 4},
                     {"batch_size", 64},
                     {"checkpoint", {{"every_batches", 5}}},
                     {"optimizer", {{"type", "adamw"}, {"learning_rate", 0.3}}}};
  const std::map<std::string, std::string> inputs = {{"train", data}, {"validation", data}};
  StepRun whole(all_, "train", keys, shared_ + "/whole", inputs);
  whole.run();
  StepRun first(all_, "train", keys, shared_ + "/t", inputs);
  first.run_until_stopped_after(27);
  alone([&] { std::filesystem::resize_file(last_part(), 1000); });
  StepRun second(all_, "train", keys, shared_ + "/t", inputs);
  second.run();
  if (all_.rank() == 0) {
    EXPECT_THAT(second.report.notes, Contains(HasSubstr("is damaged: not used")));
    EXPECT_THAT(second.report.notes, Contains(HasSubstr("goes on from the checkpoint after 25 batches")));
  }
  all_.barrier();
  EXPECT_EQ(read_file(whole.output() + "/model.safetensors"),
            read_file(second.output() + "/model.safetensors"));
  EXPECT_EQ(read_json(whole.output() + "/model.json"), read_json(second.output() + "/model.json"))
      << "the best epoch is the same, and so are its metrics";
}

}  // namespace
}  // namespace rankflow
