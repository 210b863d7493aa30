#include "runtime/fetch_turns.h"

#include <gtest/gtest.h>

#include "fake_specs.h"

namespace rankflow {
namespace {

constexpr const char* kPipeline = R"(
inputs:
  rows: {url: "s3://bucket/rows"}
  same: {url: "s3://bucket/rows"}
  other: {url: "s3://bucket/other"}
  local: /data
steps:
  first: {type: command, command: [cat, "${{inputs.rows}}/a.csv"]}
  second: {type: command, command: [cat, "${{inputs.same}}", "${{inputs.other}}"]}
  third: {type: command, command: [cat, "${{inputs.other}}"]}
  fourth: {type: command, command: [cat, "${{inputs.local}}"]}
)";

class FetchTurnsTest : public ::testing::Test {
 protected:
  StepSpecs specs = fake_specs();
  Pipeline pipeline = parse_pipeline(kPipeline, "p.yaml", specs);
  FetchTurns turns{pipeline};
  std::size_t at(const char* step) const { return pipeline.index_of(step); }
};

TEST_F(FetchTurnsTest, TheSecondStepWaitsUntilTheInputIsThere) {
  EXPECT_FALSE(turns.must_wait(at("first")));
  turns.started(at("first"), 1);
  EXPECT_TRUE(turns.must_wait(at("second"))) << "another name for the same place";
  EXPECT_FALSE(turns.must_wait(at("third")));
  EXPECT_FALSE(turns.must_wait(at("fourth")));
  turns.fetched(1);
  EXPECT_FALSE(turns.must_wait(at("second")));

  turns.started(at("second"), 2);
  EXPECT_FALSE(turns.must_wait(at("first"))) << "what is there is not fetched again";
  EXPECT_TRUE(turns.must_wait(at("third")));
}

TEST_F(FetchTurnsTest, AStepThatFailsHandsTheTurnOn) {
  turns.started(at("second"), 1);
  EXPECT_TRUE(turns.must_wait(at("first")));
  turns.ended(1);
  EXPECT_FALSE(turns.must_wait(at("first")));
  turns.started(at("first"), 2);
  turns.ended(1);
  EXPECT_TRUE(turns.must_wait(at("second"))) << "only its own turn";
}

}  // namespace
}  // namespace rankflow
