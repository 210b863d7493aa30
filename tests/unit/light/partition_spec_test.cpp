// Keys of partitioned trainings that don't go together are refused before anything runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/light/spec_fixture.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;

class PartitionSpec : public SpecTest {
 protected:
  PartitionSpec() : SpecTest("train") {}
  static Json partitioned(Json keys) {
    if (!keys.contains("model")) keys["model"] = {{"type", "mlp"}};
    keys["partition_by"] = "origin";
    return keys;
  }
};

TEST_F(PartitionSpec, OneColumnIsAListOfOne) {
  EXPECT_EQ(complete(partitioned(Json::object())).at("partition_by"), Json::array({"origin"}));
  EXPECT_EQ(message(partitioned({{"error_threshold", -1}})), "no error");
}

TEST_F(PartitionSpec, RefusesWhatIsForSeveralRanksOfOneModel) {
  for (const auto& [keys, name] : std::vector<std::pair<Json, std::string>>{
           {{{"local_steps", {{"batches", 4}}}}, "local_steps"},
           {{{"shard_optimizer", true}}, "shard_optimizer"},
           {{{"gradient_compression", "float16"}}, "gradient_compression"},
           {{{"overlap", "never"}}, "overlap"}}) {
    EXPECT_THAT(message(partitioned(keys)), HasSubstr("partition_by does not go with")) << keys;
    EXPECT_THAT(message(partitioned(keys)), HasSubstr(name)) << keys;
  }
}

TEST_F(PartitionSpec, RefusesAColumnNamedTwice) {
  Json keys = partitioned(Json::object());
  keys["partition_by"] = {"origin", "hour", "origin"};
  EXPECT_THAT(message(keys), HasSubstr("twice: origin, hour, origin"));
}

TEST_F(PartitionSpec, RefusesAThresholdOfNothing) {
  EXPECT_THAT(message({{"model", {{"type", "mlp"}}}, {"error_threshold", 1}}),
              HasSubstr("no meaning without partition_by"));
}

}  // namespace
}  // namespace rankflow
