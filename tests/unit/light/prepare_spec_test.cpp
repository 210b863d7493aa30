#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/light/spec_fixture.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PrepareSpec : public SpecTest {
 protected:
  PrepareSpec() : SpecTest("prepare") {}
  std::vector<std::string> outputs(const Json& parameters) const {
    std::vector<std::string> names;
    for (const OutputSpec& o : spec_->outputs(complete(parameters))) names.push_back(o.name);
    return names;
  }
};

TEST_F(PrepareSpec, OutputsAreTheSplits) {
  EXPECT_THAT(outputs(Json::object()), ElementsAre("data"));
  EXPECT_THAT(outputs({{"split", {{"train", 0.8}, {"test", 0.2}}}}), ElementsAre("test", "train"));
}

TEST_F(PrepareSpec, MistakesAreFoundBeforeAnythingRuns) {
  EXPECT_EQ(message({{"split", {{"train", 0.8}, {"validation", 0.1}, {"test", 0.1}}}}), "no error");
  EXPECT_THAT(message({{"split", {{"train", 0.8}, {"test", 0.1}}}}), HasSubstr("add up to 0.9"));
  EXPECT_THAT(message({{"split", {{"a", 0.5}, {"b", 0.5}}}}), HasSubstr("no \"train\""));
  EXPECT_THAT(message({{"split", {{"../x", 1.0}}}}), HasSubstr("can't be the name"));
  EXPECT_THAT(message({{"target", "delay >"}}), HasSubstr("ends too early"));
  EXPECT_THAT(message({{"filter", "sqr(x)"}}), HasSubstr("did you mean \"sqrt\"?"));
  EXPECT_THAT(message({{"derive", {{"a", "b"}, {"b", "a"}}}}), HasSubstr("in a circle"));
  EXPECT_THAT(message({{"delimiter", ",,"}}), HasSubstr("one character"));
  EXPECT_THAT(message({{"columns", {"a"}}}), HasSubstr("without a header"));
  EXPECT_THAT(message({{"header", false}, {"columns", {"a", "a"}}}), HasSubstr("listed twice"));
  EXPECT_THAT(message({{"features", {{"numeric", {"x", "x"}}}}}), HasSubstr("listed twice"));
}

}  // namespace
}  // namespace rankflow
