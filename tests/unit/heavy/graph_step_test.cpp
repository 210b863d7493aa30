// Which batches are recorded, and what a recording is given: with work that is recorded by being kept.
#include "steps/graph_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"

namespace rankflow {
namespace {

/// Says what it did: the sum of the features, and how often it really ran.
class SumStep : public TrainingStep {
 public:
  explicit SumStep(int& runs) : runs_(runs) {}
  PartialLoss forward_backward(const Batch& batch, std::int64_t) override {
    ++runs_;
    if (!sum_.defined()) sum_ = torch::zeros({});
    sum_.copy_(batch.features.sum());
    return {sum_, {}};
  }

 private:
  int& runs_;
  at::Tensor sum_;
};

/// Carries the work out at each replay, on the tensors that it was recorded with.
class KeptWork : public RecordedWork {
 public:
  explicit KeptWork(int& recordings) { ++recordings; }
  void record(const std::function<void()>& work) override {
    work();
    work_ = work;
  }
  void replay() override { work_(); }

 private:
  std::function<void()> work_;
};

class Recording : public testing::Test {
 protected:
  int runs_ = 0, recordings_ = 0;
  GraphStep step_{std::make_unique<SumStep>(runs_), 8,
                  [this] { return std::make_unique<KeptWork>(recordings_); }};

  float run(std::int64_t rows, float value, std::int64_t global_rows = 8) {
    Batch batch;
    batch.rows = rows;
    batch.features = torch::full({rows, 2}, value);
    return step_.forward_backward(batch, global_rows).share.item<float>();
  }
};

TEST_F(Recording, BeginsWithTheThirdBatchOfASize) {
  EXPECT_EQ(run(4, 1), 8);
  EXPECT_EQ(run(4, 2), 16);
  EXPECT_EQ(recordings_, 0);
  EXPECT_EQ(run(4, 3), 24);
  EXPECT_EQ(recordings_, 1);
  EXPECT_EQ(run(4, 4), 32);
  EXPECT_EQ(recordings_, 1);
}

TEST_F(Recording, IsOneForEachSize) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(run(4, 1), 8);
    EXPECT_EQ(run(3, 1), 6);
  }
  EXPECT_EQ(recordings_, 2);
}

TEST_F(Recording, LeavesOutBatchesThatAreNotWhole) {
  for (int i = 0; i < 5; ++i) EXPECT_EQ(run(2, 1, 5), 4);
  EXPECT_EQ(recordings_, 0);
  EXPECT_EQ(runs_, 5);
}

TEST_F(Recording, GivesResultsThatTheNextOneLeavesAlone) {
  for (int i = 0; i < 3; ++i) run(4, 1);
  Batch batch;
  batch.rows = 4;
  batch.features = torch::ones({4, 2});
  const PartialLoss first = step_.forward_backward(batch, 8);
  EXPECT_EQ(run(4, 5), 40);
  EXPECT_EQ(first.share.item<float>(), 8);
}

TEST(RecordingThatFails, SaysHowToDoWithout) {
  class Refusing : public RecordedWork {
    void record(const std::function<void()>&) override { TORCH_CHECK(false, "operation not permitted"); }
    void replay() override {}
  };
  int runs = 0;
  GraphStep step(std::make_unique<SumStep>(runs), 4, [] { return std::make_unique<Refusing>(); });
  Batch batch;
  batch.rows = 4;
  batch.features = torch::ones({4, 2});
  step.forward_backward(batch, 4), step.forward_backward(batch, 4);
  try {
    step.forward_backward(batch, 4);
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    EXPECT_THAT(e.message(), testing::HasSubstr("operation not permitted"));
    EXPECT_EQ(e.hint(), "cuda_graph: never");
  }
}

}  // namespace
}  // namespace rankflow
