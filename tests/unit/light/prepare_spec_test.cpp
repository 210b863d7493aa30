#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/field.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PrepareSpec : public ::testing::Test {
 protected:
  Json complete(const Json& parameters) const {
    return validate(Node::from_json(parameters), spec_->fields, "test.yaml", "prepare");
  }
  std::string message(const Json& parameters) const {
    try {
      spec_->check(complete(parameters));
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "no error";
  }
  std::vector<std::string> outputs(const Json& parameters) const {
    std::vector<std::string> names;
    for (const OutputSpec& o : spec_->outputs(complete(parameters))) names.push_back(o.name);
    return names;
  }
  const StepSpecs specs_ = all_step_specs();
  const StepSpec* spec_ = specs_.find("prepare");
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
