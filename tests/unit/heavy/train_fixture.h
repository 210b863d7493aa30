// A train step on one rank, on clouds of points in the test's own folder.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/safetensors.h"
#include "tests/step_fixture.h"
#include "tests/toy_dataset.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {

class Train : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<Communicator> comm_ = make_self_communicator();

  void SetUp() override {
    toy_clouds(500, 3, 1).write(folder_ / "clouds");
    toy_clouds(300, 3, 2).write(folder_ / "clouds_test");
  }

  StepRun prepare(const std::string& name, const Json& keys, const std::string& train,
                  const std::string& validation = {}) {
    std::map<std::string, std::string> inputs = {{"train", folder_ / train}};
    if (!validation.empty()) inputs["validation"] = folder_ / validation;
    return {*comm_, "train", keys, folder_ / name, inputs};
  }

  std::string weights(const std::string& name) {
    return read_file(folder_ / (name + "/model/model.safetensors"));
  }

  /// Of a tensor of a step's model; empty where it has none.
  static std::vector<std::int64_t> stored_shape(StepRun& step, const std::string& name) {
    const SafetensorsFile file(step.output() + "/model.safetensors");
    for (const auto& t : file.tensors()) {
      if (t.name == name) return t.shape;
    }
    return {};
  }

  Error failure(StepRun& step) {
    try {
      step.run();
    } catch (const Error& e) {
      return e;
    }
    ADD_FAILURE() << "nothing was thrown";
    return Error(ExitStatus::ok, "");
  }
};

inline const Json small_mlp = {{"type", "mlp"}, {"hidden", {16}}, {"dropout", 0.2}};

/// Stops after each number of batches in turn and goes on, until the training is through.
template <typename Make>
void run_with_stops(const Make& make, const std::vector<int>& stops) {
  for (const int batches : stops) {
    StepRun step = make();
    int left = batches;
    step.report.on_progress = [&] {
      if (--left == 0) step.stop.request();
    };
    EXPECT_THROW(step.run(), Stopped);
    EXPECT_FALSE(exists(step.output() + "/model.safetensors"));
  }
  StepRun last = make();
  last.run();
  EXPECT_THAT(last.report.notes, testing::Contains(testing::HasSubstr("goes on from the checkpoint")));
}

}  // namespace rankflow
