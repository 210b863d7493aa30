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

TEST_F(PrepareSpec, InputsGoTogetherOrAreRefused) {
  const Json script = {{"entry_script", "rows.py"}};
  EXPECT_EQ(inputs_message(Json::object(), {"data", "statistics"}), "no error");
  EXPECT_EQ(inputs_message(script, {"data"}), "no error");
  const Json halves = {{"split", {{"a", 0.5}, {"b", 0.5}}}};
  EXPECT_THAT(inputs_message(halves, {"data"}), HasSubstr("no \"train\""));
  EXPECT_EQ(inputs_message(halves, {"data", "statistics"}), "no error");
  EXPECT_THAT(inputs_message(Json::object(), {"statistics"}), HasSubstr("either the input `data`"));
  EXPECT_THAT(inputs_message(Json::object(), {"data", "images"}), HasSubstr("either the input `data`"));
  EXPECT_THAT(inputs_message(Json::object(), {"data", "labels"}), HasSubstr("goes with `images`"));
  EXPECT_THAT(inputs_message({{"image", {{"height", 8}, {"width", 8}}}}, {"data"}),
              HasSubstr("goes with the input `images`"));
  EXPECT_THAT(inputs_message(script, {"images"}), HasSubstr("goes with the input `data`"));
  const std::map<std::string, Json> of_tables = {{"target", "x"},
                                                 {"scaling", "none"},
                                                 {"min_count", 2},
                                                 {"derive", {{"a", "b"}}},
                                                 {"task", "regression"}};
  for (const auto& [key, value] : of_tables)
    EXPECT_THAT(inputs_message({{key, value}}, {"images"}), HasSubstr("for tables")) << key;
}

TEST_F(PrepareSpec, MistakesAreFoundBeforeAnythingRuns) {
  EXPECT_EQ(message({{"split", {{"train", 0.8}, {"validation", 0.1}, {"test", 0.1}}}}), "no error");
  EXPECT_THAT(message({{"split", {{"train", 0.8}, {"test", 0.1}}}}), HasSubstr("add up to 0.9"));
  EXPECT_THAT(message({{"split", {{"../x", 1.0}}}}), HasSubstr("can't be the name"));
  EXPECT_THAT(message({{"target", "delay >"}}), HasSubstr("ends too early"));
  EXPECT_THAT(message({{"filter", "sqr(x)"}}), HasSubstr("did you mean \"sqrt\"?"));
  EXPECT_THAT(message({{"derive", {{"a", "b"}, {"b", "a"}}}}), HasSubstr("in a circle"));
  EXPECT_THAT(message({{"derive", {{"age", "age * 2"}}}}), HasSubstr("from a column of the same name"));
  EXPECT_THAT(message({{"delimiter", ",,"}}), HasSubstr("one character"));
  EXPECT_THAT(message({{"columns", {"a"}}}), HasSubstr("without a header"));
  EXPECT_THAT(message({{"header", false}, {"columns", {"a", "a"}}}), HasSubstr("listed twice"));
  EXPECT_THAT(message({{"features", {{"numeric", {"x", "x"}}}}}), HasSubstr("listed twice"));
}

TEST_F(PrepareSpec, ClassesThatMakeNoSenseAreRefused) {
  const auto classes = [&](Json list, Json more = {{"target", "y"}}) {
    more["classes"] = std::move(list);
    return message(more);
  };
  EXPECT_EQ(classes({"no", "yes"}), "no error");
  EXPECT_EQ(classes({false, true}), "no error");
  EXPECT_THAT(classes({"no", "yes"}, Json::object()), HasSubstr("there is none"));
  EXPECT_THAT(classes({1, "1"}), HasSubstr("lists \"1\" twice"));
  EXPECT_THAT(classes(Json::array({1, Json::array()})), HasSubstr("no value of a table"));
  EXPECT_THAT(classes({1}), HasSubstr("2"));
  EXPECT_THAT(classes({1, 2}, {{"target", "y"}, {"task", "regression"}}), HasSubstr("is regression"));
}

TEST_F(PrepareSpec, ColumnsThatDatasetsHaveOfTheirOwnAreNotCarried) {
  EXPECT_EQ(message({{"carry", {"id", "my row"}}}), "no error");
  EXPECT_EQ(message({{"carry", "id"}}), "no error");
  EXPECT_THAT(message({{"carry", {"id", "id"}}}), HasSubstr("listed twice"));
  EXPECT_THAT(message({{"carry", {"row"}}}), HasSubstr("a column of their own"));
  EXPECT_THAT(message({{"carry", {"km/h"}}}), HasSubstr("\"km/h\", which can't be the name"));
  EXPECT_THAT(inputs_message({{"carry", {"id"}}}, {"images"}), HasSubstr("`file` alone"));
  EXPECT_EQ(inputs_message({{"carry", {"file"}}}, {"images"}), "no error");
}

TEST_F(PrepareSpec, MistakesInTransformsAreFoundToo) {
  const auto transform = [&](Json keys) { return message({{"transforms", Json::array({std::move(keys)})}}); };
  const Json x = Json::array({"x"});
  EXPECT_EQ(transform({{"type", "clip"}, {"columns", x}, {"quantiles", {0.1, 0.9}}}), "no error");
  EXPECT_THAT(transform({{"type", "clip"}, {"columns", x}}),
              HasSubstr("transform 1 (clip) needs `min`, `max`"));
  EXPECT_THAT(transform({{"type", "clip"}, {"columns", x}, {"quantiles", {0.9, 0.1}}}),
              HasSubstr("two ascending"));
  EXPECT_THAT(transform({{"type", "bucket"}, {"columns", x}, {"at", {2, 1}}}), HasSubstr("ascending"));
  EXPECT_THAT(transform({{"type", "filter"}, {"where", "x >"}}), HasSubstr("ends too early"));
  EXPECT_THAT(transform({{"type", "derive"}, {"columns", {{"a", "b"}, {"b", "a"}}}}),
              HasSubstr("in a circle"));
  EXPECT_THAT(transform({{"type", "standardize"}, {"columns", x}}),
              HasSubstr("did you mean \"standardise\"?"));
  EXPECT_THAT(transform({{"type", "log"}}), HasSubstr("columns"));
  EXPECT_THAT(transform({{"type", "standardise"}, {"columns", {"x", "x"}}}), HasSubstr("lists \"x\" twice"));
  EXPECT_THAT(transform({{"type", "rename"}, {"columns", {{"a", "z"}, {"b", "z"}}}}),
              HasSubstr("calls two columns \"z\""));
}

TEST_F(PrepareSpec, MistakesInSplitByAreFound) {
  const Json split{{"train", 0.8}, {"test", 0.2}};
  const auto split_by = [&](const Json& rule) { return message({{"split", split}, {"split_by", rule}}); };
  EXPECT_EQ(split_by({{"type", "time"}, {"column", "day"}, {"at", {"2024-05-01"}}}), "no error");
  EXPECT_THAT(split_by({{"type", "time"}, {"column", "day"}, {"at", {1, 2}}}), HasSubstr("one value less"));
  EXPECT_THAT(split_by({{"type", "time"}, {"column", "day"}, {"order", {"train"}}}),
              HasSubstr("where \"test\" comes"));
  EXPECT_THAT(message({{"split", {{"train", 0.6}, {"validation", 0.2}, {"test", 0.2}}},
                       {"split_by", {{"type", "time"}, {"column", "t"}, {"at", {80, 50}}}}}),
              HasSubstr("has to ascend"));
  EXPECT_THAT(message({{"split_by", {{"type", "hash"}, {"column", "a"}}}}), HasSubstr("there is no `split`"));
}

}  // namespace
}  // namespace rankflow
