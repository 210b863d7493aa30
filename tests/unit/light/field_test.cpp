#include "runtime/field.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/light/fake_specs.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;

Json check(const std::string& yaml, const Fields& fields) {
  return validate(parse_yaml(yaml, "p.yaml"), fields, "p.yaml", "step \"t\"");
}

TEST(Field, FillsInDefaults) {
  EXPECT_EQ(check("model: {type: cnn}", fake_train().fields), Json::parse(R"({
    "epochs": 1, "learning_rate": 0.1, "shuffle": true, "batch": "auto",
    "model": {"type": "cnn", "channels": 16}, "checkpoint": {"every": 100}})"));
}

TEST(Field, KeepsWhatIsGiven) {
  EXPECT_EQ(check("{epochs: 0x10, learning_rate: 1, shuffle: False, batch: 32, checkpoint: {every: 5}, "
                  "model: {type: mlp, hidden: [8, 4]}, notes: {a: [1, x, null]}}",
                  fake_train().fields),
            Json::parse(R"({"epochs": 16, "learning_rate": 1.0, "shuffle": false, "batch": 32,
    "model": {"type": "mlp", "hidden": [8, 4]}, "checkpoint": {"every": 5}, "notes": {"a": [1, "x", null]}})"));
}

TEST(Field, NumbersAreTheSameHoweverTheyAreWritten) {
  const Fields fields = {with_default(number("a", ""), 1)};
  for (const char* text : {"{}", "a: 1", "a: 1.0", "a: 10e-1", "a: 0x1"}) {
    EXPECT_EQ(check(text, fields).dump(), R"({"a":1.0})") << text;
  }
}

TEST(Field, TextKeepsItsCharacters) {
  const Fields fields = {text("a", "")};
  EXPECT_EQ(check("a: 1.10", fields)["a"], "1.10");
  EXPECT_EQ(check("a: true", fields)["a"], "true");
  EXPECT_EQ(check("a: ''", fields)["a"], "");
}

TEST(Field, NullCountsAsNotGiven) {
  EXPECT_EQ(check("{a: null, b: ~}", {with_default(integer("a", ""), 3), text("b", "")}),
            Json::parse(R"({"a": 3})"));
}

TEST(Field, OneValueMayStandForAList) {
  const Fields fields = {or_single(list("a", text("", ""), ""))};
  EXPECT_EQ(check("a: x", fields), Json::parse(R"({"a": ["x"]})"));
  EXPECT_EQ(check("a: [x, y]", fields), Json::parse(R"({"a": ["x", "y"]})"));
}

TEST(Field, CollectsBindings) {
  const Node node =
      parse_yaml("{command: [cp, '${{inputs.a}}', 'x-${{outputs.o}}'], env: {B: '${{inputs.b}}'}}", "p.yaml");
  std::vector<BoundText> bound;
  validate(node, fake_command().fields, "p.yaml", "", &bound);
  ASSERT_EQ(bound.size(), 3u);
  EXPECT_EQ(bound[0].key, "command[1]");
  EXPECT_EQ(bound[1].key, "command[2]");
  EXPECT_EQ(bound[1].pieces.size(), 2u);
  EXPECT_EQ(bound[1].node->text, "x-${{outputs.o}}");
  EXPECT_EQ(bound[2].key, "env.B");
}

TEST(Field, RangesAreInclusiveUnlessAbove) {
  const Fields fields = {between(integer("a", ""), -2, 5), above(number("b", ""), 0)};
  EXPECT_EQ(check("{a: -2, b: 1e-300}", fields)["a"], -2);
  EXPECT_EQ(check("a: 5", fields)["a"], 5);
  EXPECT_THROW(check("a: 6", fields), ConfigError);
  EXPECT_THROW(check("a: -3", fields), ConfigError);
  EXPECT_THROW(check("b: 0", fields), ConfigError);
  EXPECT_THROW(check("b: -0.0", fields), ConfigError);
}

TEST(Field, JsonSchemaSaysTheSame) {
  const Json schema = json_schema(fake_train().fields);
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"], Json::parse(R"(["model"])"));
  EXPECT_EQ(
      schema["properties"]["epochs"],
      Json::parse(
          R"({"type": "integer", "minimum": 1, "maximum": 100, "description": "Passes", "default": 1})"));
  EXPECT_EQ(schema["properties"]["learning_rate"]["exclusiveMinimum"], 0.0);
  EXPECT_EQ(schema["properties"]["batch"]["anyOf"][1], Json::parse(R"({"enum": ["auto"]})"));
  const Json cnn = schema["properties"]["model"]["allOf"][1];
  EXPECT_EQ(cnn["if"]["properties"]["type"]["const"], "cnn");
  EXPECT_EQ(cnn["then"]["properties"]["channels"]["maximum"], 1024);
}

TEST(Field, JsonSchemaTakesBindingsInPipelines) {
  const Json epochs = json_schema(fake_train().fields, true)["properties"]["epochs"];
  EXPECT_EQ(epochs["anyOf"][0]["type"], "integer");
  EXPECT_EQ(epochs["anyOf"][1]["pattern"], "\\$\\{\\{.+\\}\\}");
}

TEST(Field, MarkdownHasARowForEveryKey) {
  const std::string rows = markdown_rows(fake_train().fields);
  EXPECT_THAT(rows, HasSubstr("| `epochs` | integer ≥ 1, ≤ 100 | `1` | Passes |\n"));
  EXPECT_THAT(rows, HasSubstr("| `learning_rate` | number > 0 | `0.1` | Step size |\n"));
  EXPECT_THAT(rows, HasSubstr("| `batch` | `auto` or integer ≥ 1 | `\"auto\"` | Samples |\n"));
  EXPECT_THAT(rows, HasSubstr("| `model` | mapping with `type` | **required** | The model |\n"));
  EXPECT_THAT(rows, HasSubstr("| `model.type` | `mlp` |  | A perceptron |\n| `model.hidden` | list of "
                              "integer ≥ 1 | **required** |"));
  EXPECT_THAT(rows, HasSubstr("| `checkpoint.every` | integer ≥ 1 | `100` | Batches |\n"));
}

}  // namespace
}  // namespace rankflow
