#include "runtime/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/text.h"
#include "tests/unit/light/fake_specs.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string flights = R"(name: flights
description: Is a flight late?
inputs:
  flights: data/flights.csv.gz
  extra: {description: given by --input}
parameters:
  epochs: 3
  rate: {default: 0.1, min: 0, max: 1, description: Step size}
  layers: [8, 4]
  column: late
steps:
  report:
    type: command
    description: Write about it.
    command: [cat, "${{steps.train.outputs.metrics}}/m.json", "--column=${{parameters.column}}", "${{outputs.text}}"]
    outputs: [text]
    after: fetch
  train:
    type: train
    inputs: {train: "${{steps.prepare.outputs.train}}/part"}
    epochs: ${{parameters.epochs}}
    learning_rate: "${{parameters.rate}}"
    model: {type: mlp, hidden: "${{parameters.layers}}"}
    resources: {ranks: 4}
    reuse: false
  prepare:
    type: prepare
    inputs:
      data: ${{inputs.flights}}
    target: ${{parameters.column}}
    splits: {train: 0.8, test: 0.2}
    resources: {ranks: all}
  fetch: {type: command, command: ["true"]}
)";

class PipelineTest : public ::testing::Test {
 protected:
  Pipeline parse(const std::string& text, const Overrides& overrides = {}) const {
    return parse_pipeline(text, "/project/configs/p.yaml", specs, overrides);
  }
  Pipeline with(const std::string& name, const std::string& value) const {
    return parse(flights, {{{name, value}}, {}});
  }
  StepSpecs specs = fake_specs();
};

std::vector<std::string> names(const Pipeline& pipeline) {
  std::vector<std::string> out;
  for (const auto& step : pipeline.steps) out.push_back(step.name);
  return out;
}

TEST_F(PipelineTest, ReadsTheWholeFile) {
  const Pipeline p = parse(flights);
  EXPECT_EQ(p.name, "flights");
  EXPECT_EQ(p.description, "Is a flight late?");
  EXPECT_EQ(p.folder, "/project/configs");
  EXPECT_EQ(p.parameters, Json::parse(R"({"epochs": 3, "rate": 0.1, "layers": [8, 4], "column": "late"})"));
  ASSERT_EQ(p.inputs.size(), 2u);
  EXPECT_EQ(p.find_input("flights")->path, "/project/configs/data/flights.csv.gz");
  EXPECT_EQ(p.find_input("extra")->path, "");
  EXPECT_EQ(p.find_input("extra")->description, "given by --input");
  EXPECT_EQ(p.find_input("none"), nullptr);
  // After what they need, else as in the file.
  EXPECT_THAT(names(p), ElementsAre("prepare", "train", "fetch", "report"));
}

TEST_F(PipelineTest, StepsAreCompleteAndBound) {
  const Pipeline p = parse(flights);
  const PipelineStep& train = *p.find("train");
  EXPECT_EQ(train.spec, specs.find("train"));
  EXPECT_EQ(train.parameters,
            Json::parse(R"({"epochs": 3, "learning_rate": 0.1, "shuffle": true, "batch": "auto",
    "model": {"type": "mlp", "hidden": [8, 4]}, "checkpoint": {"every": 100}})"));
  EXPECT_EQ(train.inputs.at("train"), "${{steps.prepare.outputs.train}}/part");
  EXPECT_THAT(train.outputs, ElementsAre("model", "metrics"));
  EXPECT_THAT(train.needs, ElementsAre(0));
  EXPECT_EQ(train.ranks, 4);
  EXPECT_FALSE(train.reuse);
  EXPECT_EQ(train.mark.line, 18);
  EXPECT_EQ(train.mark.column, 3);
  const PipelineStep& report = *p.find("report");
  EXPECT_EQ(report.parameters["command"][2], "--column=late");
  EXPECT_EQ(report.parameters["command"][1], "${{steps.train.outputs.metrics}}/m.json");
  EXPECT_THAT(report.needs, ElementsAre(1, 2));
  EXPECT_EQ(report.ranks, 1);  // the type's default
  EXPECT_EQ(report.description, "Write about it.");
  EXPECT_EQ(p.find("prepare")->ranks, 0);
  EXPECT_THAT(p.find("prepare")->outputs, ElementsAre("test", "train"));
  EXPECT_TRUE(p.find("prepare")->reuse);
}

TEST_F(PipelineTest, FindsStepsByName) {
  Pipeline p = parse(flights);
  EXPECT_EQ(p.index_of("train"), 1u);
  EXPECT_EQ(p.find("trian"), nullptr);
  try {
    p.index_of("trian");
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::usage);
    EXPECT_STREQ(e.what(), "no step \"trian\" in the pipeline \"flights\" (did you mean \"train\"?)");
  }
  // Steps added by hand are found too, though the index doesn't know them.
  p.steps.push_back(PipelineStep{.name = "more"});
  EXPECT_EQ(p.index_of("more"), 4u);
  EXPECT_EQ(p.index_of("train"), 1u);
}

TEST_F(PipelineTest, SettingsChangeParametersAndSteps) {
  EXPECT_EQ(with("epochs", "7").find("train")->parameters["epochs"], 7);
  EXPECT_EQ(with("parameters.epochs", "7").parameters["epochs"], 7);
  EXPECT_EQ(with("train.epochs", "9").find("train")->parameters["epochs"], 9);
  EXPECT_EQ(with("steps.train.epochs", "9").find("train")->parameters["epochs"], 9);
  EXPECT_EQ(with("train.checkpoint.every", "5").find("train")->parameters["checkpoint"]["every"], 5);
  EXPECT_EQ(with("train.model", "{type: cnn}").find("train")->parameters["model"]["channels"], 16);
  EXPECT_EQ(with("train.resources.ranks", "2").find("train")->ranks, 2);
  EXPECT_EQ(with("report.command.0", "tac").find("report")->parameters["command"][0], "tac");
  EXPECT_EQ(with("layers.1", "5").find("train")->parameters["model"]["hidden"], Json::parse("[8, 5]"));
  EXPECT_EQ(with("column", "'on time'").find("prepare")->parameters["target"], "on time");
  // The last one counts.
  EXPECT_EQ(parse(flights, {{{"epochs", "7"}, {"epochs", "8"}}, {}}).parameters["epochs"], 8);
}

TEST_F(PipelineTest, ValuesOfParametersAreNotReadAgain) {
  EXPECT_EQ(with("column", "$(touch x); `y`").find("report")->parameters["command"][2],
            "--column=$(touch x); `y`");
  EXPECT_THROW(with("column", "${{inputs.flights}}"), ConfigError);
}

TEST_F(PipelineTest, ParametersKeepTheirCharactersInsideText) {
  const Pipeline p = parse(
      "parameters: {version: 1.10, n: 0x10}\nsteps:\n  c: {type: command, command: "
      "['v${{parameters.version}}-${{parameters.n}}']}\n");
  EXPECT_EQ(p.steps[0].parameters["command"][0], "v1.10-0x10");
  EXPECT_EQ(p.parameters["n"], 16);
}

TEST_F(PipelineTest, RequiredParametersComeFromSettings) {
  const std::string text =
      "parameters:\n  size: {choices: [small, large], description: needed}\nsteps:\n  c: {type: command, "
      "command: ['${{parameters.size}}']}\n";
  EXPECT_EQ(parse(text, {{{"size", "large"}}, {}}).steps[0].parameters["command"][0], "large");
  EXPECT_THROW(parse(text, {{{"size", "huge"}}, {}}), ConfigError);
  EXPECT_THROW(parse(text), ConfigError);
}

TEST_F(PipelineTest, InputsComeFromTheCommandLineToo) {
  const Pipeline p = parse(flights, {{}, {{"extra", "some/file"}, {"flights", "/data/x"}}});
  EXPECT_EQ(p.find_input("extra")->path, absolute_path("some/file"));
  EXPECT_EQ(p.find_input("flights")->path, "/data/x");
}

TEST_F(PipelineTest, InputPathsMayHoldParameters) {
  const std::string text =
      "inputs: {a: 'data/${{parameters.year}}.csv'}\nparameters: {year: 2001}\nsteps:\n  c: {type: command, "
      "command: [x]}\n";
  EXPECT_EQ(parse(text).inputs[0].path, "/project/configs/data/2001.csv");
  EXPECT_EQ(parse(text, {{{"year", "2002"}}, {}}).inputs[0].path, "/project/configs/data/2002.csv");
}

TEST_F(PipelineTest, TheNameIsTheFilesUnlessGiven) {
  EXPECT_EQ(parse("steps: {c: {type: command, command: [x]}}").name, "p");
}

TEST_F(PipelineTest, AFileNameThatIsNoPlainNameGivesOne) {
  const std::string text = "steps: {a: {type: command, command: [x]}}";
  EXPECT_EQ(parse_pipeline(text, "/project/my pipe.yaml", specs, {}).name, "my-pipe");
  EXPECT_EQ(parse_pipeline(text, "/project/-.yaml", specs, {}).name, "pipeline");
}

TEST_F(PipelineTest, LoadsAFile) {
  TemporaryFolder folder;
  write_file_atomically(folder / "my.yaml", flights, false);
  const Pipeline p = load_pipeline(folder / "my.yaml", specs);
  EXPECT_EQ(p.file, folder / "my.yaml");
  EXPECT_EQ(p.folder, folder.path());
  EXPECT_EQ(p.find_input("flights")->path, folder / "data/flights.csv.gz");
}

TEST_F(PipelineTest, RoundTripsThroughJson) {
  const Pipeline p = parse(flights);
  const Json json = to_json(p);
  const Pipeline back = pipeline_from_json(Json::parse(json.dump()), specs);
  EXPECT_EQ(to_json(back), json);
  EXPECT_EQ(back.index_of("report"), 3u);
  EXPECT_EQ(back.find("train")->spec, specs.find("train"));
  EXPECT_EQ(back.find("train")->mark.line, 18);
  EXPECT_EQ(back.find_input("flights")->mark.file, p.file);
}

TEST_F(PipelineTest, DamagedJsonIsAnError) {
  const Json json = to_json(parse(flights));
  for (const char* key : {"format", "name", "inputs", "steps", "folder"}) {
    Json damaged = json;
    damaged.erase(key);
    EXPECT_THROW(pipeline_from_json(damaged, specs), Error) << key;
  }
  Json unknown = json;
  unknown["steps"][0]["type"] = "sing";
  EXPECT_THROW(pipeline_from_json(unknown, specs), Error);
  Json dangling = json;
  dangling["steps"][0]["needs"] = {17};
  EXPECT_THROW(pipeline_from_json(dangling, specs), Error);
}

TEST_F(PipelineTest, ParametersCannotMultiplyWithoutBound) {
  std::string text = "parameters:\n  big: [";
  for (int i = 0; i < 10'000; ++i) text += "x, ";
  text += "x]\nsteps:\n";
  for (int i = 0; i < 100; ++i) text += str("  s", i, ": {type: command, command: '${{parameters.big}}'}\n");
  try {
    parse(text);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "/project/configs/p.yaml:53:33: step \"s49\": more than 500,000 values or 16.8 MB once "
                 "parameters are put in");
  }
}

TEST_F(PipelineTest, SchemaCoversEveryStepType) {
  const Json schema = pipeline_json_schema(specs);
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["required"], Json::parse(R"(["steps"])"));
  EXPECT_EQ(schema["$defs"]["step"]["properties"]["type"]["enum"],
            Json::parse(R"(["prepare", "train", "command"])"));
  EXPECT_EQ(schema["$defs"]["step"]["allOf"][1]["then"]["$ref"], "#/$defs/step_train");
  const Json& train = schema["$defs"]["step_train"];
  EXPECT_EQ(train["required"], Json::parse(R"(["type", "model", "inputs"])"));
  EXPECT_EQ(train["properties"]["inputs"]["required"], Json::parse(R"(["train"])"));
  EXPECT_EQ(train["properties"]["inputs"]["additionalProperties"], false);
  EXPECT_TRUE(train["properties"].contains("after"));
}

TEST_F(PipelineTest, ReferenceHasEveryTypeAndKey) {
  const std::string text = pipeline_reference_markdown(specs);
  for (const auto& spec : specs.all()) {
    EXPECT_THAT(text, HasSubstr(str("## Step type `", spec.type, "`\n\n", spec.help, "\n")));
    for (const auto& field : spec.fields) EXPECT_THAT(text, HasSubstr(str("| `", field.name, "` |")));
    for (const auto& input : spec.inputs) EXPECT_THAT(text, HasSubstr(str("| `", input.name, "` |")));
  }
  for (const auto& field : common_step_fields()) EXPECT_THAT(text, HasSubstr(str("| `", field.name, "` |")));
  EXPECT_THAT(text, HasSubstr("| `resources.ranks` | `all` or integer ≥ 1, ≤ 1000000 |"));
}

// Whatever stands in a file, loading it gives a pipeline or an Error.
TEST_F(PipelineTest, DamagedFilesNeverCrash) {
  std::mt19937 random(20011);
  const std::string pieces = "{}[]:,#&*!|>'\"%@`\n\t -?${.0a\xff\x80";
  const auto below = [&](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  int good = 0;
  const int rounds = 4000;
  for (int round = 0; round < rounds; ++round) {
    std::string text = flights;
    for (std::size_t changes = 1 + below(4); changes > 0; --changes) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = pieces[below(pieces.size())];
          break;
        case 1:
          text.insert(at, 1, pieces[below(pieces.size())]);
          break;
        case 2:
          text.erase(at, 1 + below(8));
          break;
        default:
          text.insert(at, text.substr(below(text.size()), below(40)));
      }
    }
    SCOPED_TRACE(text);
    try {
      const Pipeline p = parse(text);
      EXPECT_EQ(to_json(pipeline_from_json(to_json(p), specs)), to_json(p));
      ++good;
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration) << e.what();
      EXPECT_THAT(e.what(), ::testing::StartsWith("/project/configs/p.yaml:"));
    }
  }
  // Both kinds must have been met, or the test tests nothing.
  EXPECT_GT(good, rounds / 80);
  EXPECT_LT(good, rounds);
}

}  // namespace
}  // namespace rankflow
