#include "runtime/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace rankflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<std::string> four = {"0", "1", "2", "3"};

TEST(UsableGpus, AreAllDeviceFilesWhereNothingIsSaid) {
  EXPECT_EQ(usable_gpus(four, nullptr), four);
  EXPECT_THAT(usable_gpus({}, nullptr), IsEmpty());
  EXPECT_THAT(usable_gpus({}, "0"), IsEmpty());
}

TEST(UsableGpus, AreThoseThatTheVariableNamesInItsOrder) {
  EXPECT_THAT(usable_gpus(four, "2, 0"), ElementsAre("2", "0"));
  EXPECT_THAT(usable_gpus(four, "GPU-1b,MIG-2"), ElementsAre("GPU-1b", "MIG-2"));
}

TEST(UsableGpus, EndAtTheFirstThatIsNone) {
  EXPECT_THAT(usable_gpus(four, ""), IsEmpty());
  EXPECT_THAT(usable_gpus(four, "-1"), IsEmpty());
  EXPECT_THAT(usable_gpus(four, "1,4,2"), ElementsAre("1"));
  EXPECT_THAT(usable_gpus(four, "1,1,2"), ElementsAre("1"));
}

TEST(EachHasAGpu, WhereRanksOfAHostTakeDifferentOnes) {
  EXPECT_TRUE(each_has_a_gpu({{0, 0, {"0", "1"}}, {0, 1, {"0", "1"}}, {1, 0, {"0"}}}));
  EXPECT_TRUE(each_has_a_gpu({{0, 0, {"0"}}, {0, 1, {"1"}}}));  // given by the launcher, one each
}

TEST(EachHasAGpu, NotWhereOneLacksItOrTwoTakeTheSame) {
  EXPECT_FALSE(each_has_a_gpu({{0, 0, {"0"}}, {1, 0, {}}}));
  EXPECT_FALSE(each_has_a_gpu({{0, 0, {"0"}}, {0, 1, {"0"}}}));
}

class DeviceOf : public testing::Test {
 protected:
  StepSpec spec_;
  PipelineStep step_;

  void SetUp() override {
    spec_.cpu_only = [](const Json& p) {
      return std::string(p.value("cpu", false) ? "its model is for CPUs" : "");
    };
    spec_.cuda_only = [](const Json& p) {
      return std::string(p.value("gpu", false) ? "it needs a GPU" : "");
    };
    step_.name = "fit";
    step_.spec = &spec_;
    step_.parameters = Json::object();
  }
  std::string error() {
    try {
      return "no error, but " + device_of(step_, "cpu");
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
  }
};

TEST_F(DeviceOf, IsTheAutomaticOneWhereTheStepLeavesItOpen) {
  EXPECT_EQ(device_of(step_, "cpu"), "cpu");
  EXPECT_EQ(device_of(step_, "cuda"), "cuda");
  step_.device = "cpu";
  EXPECT_EQ(device_of(step_, "cuda"), "cpu");
}

TEST_F(DeviceOf, IsTheCpuForStepsThatCanDoNoOther) {
  step_.parameters["cpu"] = true;
  EXPECT_EQ(device_of(step_, "cuda"), "cpu");
  step_.device = "cuda";
  EXPECT_EQ(error(), "step fit: resources.device is cuda, but its model is for CPUs");
  const StepSpec plain;
  step_.spec = &plain;
  EXPECT_THAT(error(), HasSubstr("steps of this type run on the CPU"));
}

TEST_F(DeviceOf, RefusesTheCpuWhereAStepNeedsAGpu) {
  step_.parameters["gpu"] = true;
  EXPECT_EQ(device_of(step_, "cuda"), "cuda");
  EXPECT_EQ(error(), "step fit would run on the CPU, but it needs a GPU");
}

TEST_F(DeviceOf, AsksForCudaOnlyWhereTheProgramHasIt) {
  step_.device = "cuda";
  if (built_with_cuda())
    EXPECT_EQ(device_of(step_, "cpu"), "cuda");
  else
    EXPECT_THAT(error(), HasSubstr("built without CUDA"));
}

}  // namespace
}  // namespace rankflow
