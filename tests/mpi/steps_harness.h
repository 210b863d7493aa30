// What tests of steps on several ranks share: folders, datasets, the same step on all ranks and on one, and weights to compare.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "collectives/agreement.h"
#include "io/safetensors.h"
#include "tests/mpi/test_world.h"
#include "tests/step_fixture.h"
#include "tests/toy_dataset.h"

namespace rankflow {

class Steps : public testing::Test {
 protected:
  Communicator& all_ = test_world().all();
  std::unique_ptr<Communicator> alone_ = make_self_communicator();
  std::string shared_, own_;  // folders: the ranks', and one of this rank

  void SetUp() override {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    shared_ = all_.broadcast_text(str(testing::TempDir(), "rankflow-steps-", getpid(), "-", info->name()));
    own_ = str(shared_, "/rank", all_.rank());
    run_together(all_, [&] { make_directories(own_); });
  }
  void TearDown() override {
    all_.barrier();
    if (all_.rank() == 0) remove_tree(shared_);
    all_.barrier();
  }

  std::string write(const std::string& name, const ToyDataset& toy) {
    run_together(all_, [&] {
      if (all_.rank() == 0) toy.write(shared_ + "/" + name);
    });
    return shared_ + "/" + name;
  }
  /// The same step on all ranks together, and on this rank alone: the output folders.
  std::pair<std::string, std::string> both(const std::string& type, const Json& keys, const std::string& name,
                                           const std::map<std::string, std::string>& inputs) {
    StepRun together(all_, type, keys, shared_ + "/" + name, inputs);
    together.run();
    StepRun alone(*alone_, type, keys, own_ + "/" + name, inputs);
    alone.run();
    return {together.output(), alone.output()};
  }
};

inline std::vector<float> floats(const std::string& model) {
  const SafetensorsFile file(model + "/model.safetensors");
  std::vector<float> values;
  for (const auto& t : file.tensors()) {
    if (t.dtype != DType::f32) continue;
    const auto* p = reinterpret_cast<const float*>(t.data);
    values.insert(values.end(), p, p + t.bytes() / sizeof(float));
  }
  return values;
}

inline double largest_difference(const std::string& model_a, const std::string& model_b) {
  const auto a = floats(model_a), b = floats(model_b);
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - b[i]));
  return largest;
}

}  // namespace rankflow
