#include "runtime/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "planning.h"

namespace rankflow {
namespace {

using planning::Example;
using ::testing::HasSubstr;
using ::testing::Not;

class FingerprintTest : public ::testing::Test {
 protected:
  FingerprintTest() {
    example.disk.files["/data/flights/train.csv"] = "train";
    example.disk.files["/usr/bin/python3"] = "python";
    example.disk.files["/project/train.py"] = "import torch";
    example.disk.files["/project/lib/a.py"] = "a";
    example.disk.variables["PATH"] = "/usr/bin";
    example.disk.programs["python3 in /usr/bin"] = "/usr/bin/python3";
    example.disk.code["train.py"] = {"train.py"};
    example.disk.code["lib/*.py"] = {"lib/a.py"};
    program = planning::step(
        "fit", example.program,
        {{"command", {"python3", "train.py", "${{inputs.data}}/train.csv", "${{outputs.out}}"}},
         {"code", {"train.py"}},
         {"hash", {"lib/*.py"}},
         {"env", {{"SEED", "1"}}},
         {"per_rank", true}},
        {}, {});
  }
  // Every artifact has the digest "feed".
  Fingerprint of(const PipelineStep& step, int world = 1, const std::string& device = "cpu") {
    return Fingerprinter(example.pipeline, example.disk, world, device)
        .of(step, [](const std::string&, const std::string&) { return std::string("feed"); });
  }
  // The text of one command word, as it is hashed.
  std::string hashed(const std::string& word) {
    program.parameters["command"][2] = word;
    return of(program).ingredients["parameters"]["command"][2];
  }
  std::string error_of(const PipelineStep& step, ExitStatus status) {
    try {
      of(step);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), status);
      return describe(e);
    }
    ADD_FAILURE() << "nothing was thrown";
    return "";
  }
  std::string content(const std::string& path) {
    return "<content " + sha256(example.disk.files.at(path)) + ">";
  }

  Example example;
  PipelineStep program;
};

TEST_F(FingerprintTest, IngredientsOfAStep) {
  const Fingerprint made = of(example.at("train"));
  EXPECT_EQ(made.ingredients, Json::parse(R"({
    "format": 1, "type": "make", "version": 1, "device": "cpu", "outputs": ["out"],
    "parameters": {"epochs": 3}, "inputs": {"data": "artifact:feed/train"}})"));
  EXPECT_EQ(made.digest, sha256(made.ingredients.dump()));
  EXPECT_EQ(made.labels, Json::parse(R"({"artifact feed": "${{steps.prepare.outputs.out}}"})"));
}

TEST_F(FingerprintTest, WorkGoesOnUnderAnotherThreshold) {
  const Fingerprint before = of(example.at("train"));
  EXPECT_EQ(before.work, before.digest);
  example.at("train").parameters["threshold"] = 3;
  const Fingerprint judged = of(example.at("train"));
  EXPECT_NE(judged.digest, before.digest);
  EXPECT_EQ(judged.work, before.work);
  example.at("train").parameters["epochs"] = 4;
  EXPECT_NE(of(example.at("train")).work, before.work);
}

TEST_F(FingerprintTest, IngredientsOfACommand) {
  const Json made = of(program, 4).ingredients;
  EXPECT_EQ(made["parameters"]["command"],
            Json({"python3", "train.py", content("/data/flights/train.csv"), "<output out>"}));
  EXPECT_EQ(made["program"], sha256("python"));
  EXPECT_EQ(made["code"], Json({{"train.py", sha256("import torch")}, {"lib/a.py", sha256("a")}}));
  EXPECT_EQ(made["env"], Json({{"SEED", "1"}}));
  EXPECT_EQ(made["ranks"], 4);
  EXPECT_FALSE(made["parameters"].contains("code"));
}

TEST_F(FingerprintTest, NamesAndPlacesDoNotCount) {
  const std::string before = of(program).digest, step_before = of(example.at("prepare")).digest;
  program.name = "other";
  program.description = "something";
  example.pipeline.name = "renamed";
  example.pipeline.folder = "/elsewhere";
  for (const std::string name : {"train.py", "lib/a.py"}) {
    example.disk.files["/elsewhere/" + name] = example.disk.files.at("/project/" + name);
    example.disk.files.erase("/project/" + name);
  }
  example.disk.files["/moved/train.csv"] = "train";
  example.disk.files["/moved"] = "rows";
  example.pipeline.inputs[0].path = "/moved";
  example.at("prepare").ranks = 1;
  EXPECT_EQ(of(program).digest, before);
  EXPECT_EQ(of(example.at("prepare"), 4).digest, step_before);
}

TEST_F(FingerprintTest, WhatChangesResultsCounts) {
  std::vector<std::string> all = {of(program).digest, of(program, 2).digest, of(program, 1, "cuda").digest};
  ++example.program.version;
  all.push_back(of(program).digest);
  --example.program.version;
  const auto with_another = [&](std::string& content) {
    const std::string saved = content;
    content += "!";
    all.push_back(of(program).digest);
    content = saved;
  };
  with_another(example.disk.files.at("/project/train.py"));
  with_another(example.disk.files.at("/project/lib/a.py"));
  with_another(example.disk.files.at("/usr/bin/python3"));
  with_another(example.disk.files.at("/data/flights/train.csv"));
  with_another(program.parameters["env"]["SEED"].get_ref<std::string&>());
  with_another(program.parameters["command"][1].get_ref<std::string&>());
  with_another(program.outputs[0]);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(std::unique(all.begin(), all.end()), all.end()) << "two of them are the same";
}

TEST_F(FingerprintTest, OnlyTheFileThatIsNamedCounts) {
  const std::string before = of(program).digest;
  example.disk.files["/data/flights"] = "more files";
  EXPECT_EQ(of(program).digest, before);
}

TEST_F(FingerprintTest, PathsBelowAnInputEndWhereTheWordEnds) {
  const std::string file = content("/data/flights/train.csv"), all = content("/data/flights");
  EXPECT_EQ(hashed("${{inputs.data}}"), all);
  EXPECT_EQ(hashed("${{inputs.data}}/"), all);
  EXPECT_EQ(hashed("cat ${{inputs.data}}/train.csv | sort"), "cat " + file + " | sort");
  EXPECT_EQ(hashed("cat '${{inputs.data}}/train.csv';ls"), "cat '" + file + "';ls");
  EXPECT_EQ(hashed("${{inputs.data}}/train.csv,${{inputs.data}}"), file + "," + all);
  EXPECT_EQ(hashed("cat ${{inputs.data}}/*.csv"), "cat " + all + "/*.csv") << "any of its files may be meant";
  EXPECT_EQ(hashed("${{steps.prepare.outputs.out}}/part-0 x"), "<artifact feed>/part-0 x");
  example.disk.files["/data/flights.gz"] = "packed";
  EXPECT_EQ(hashed("${{inputs.data}}.gz"), content("/data/flights.gz"));
}

TEST_F(FingerprintTest, OneAndOnePointZeroAreTheSame) {
  PipelineStep step = example.at("prepare");
  step.parameters["epochs"] = 1;
  const std::string before = of(step).digest;
  step.parameters["epochs"] = 1.0;
  EXPECT_EQ(of(step).digest, before);
  step.parameters["epochs"] = 1.5;
  EXPECT_NE(of(step).digest, before);
}

TEST_F(FingerprintTest, AProgramThatAnInputBringsCountsAsContent) {
  program.parameters["command"][0] = "${{inputs.data}}";
  const Json made = of(program).ingredients;
  EXPECT_FALSE(made.contains("program"));
  EXPECT_EQ(made["parameters"]["command"][0], content("/data/flights"));
}

TEST_F(FingerprintTest, TheProgramIsTheOneThatWillRun) {
  example.disk.files["/opt/python3"] = "another python";
  example.disk.programs["python3 in /opt"] = "/opt/python3";
  program.parameters["env"]["PATH"] = "/opt";
  EXPECT_EQ(of(program).ingredients["program"], sha256("another python"));
  example.disk.programs["/project/tools/./fit"] = "/usr/bin/python3";
  program.parameters["command"][0] = "./fit";
  program.parameters["folder"] = "tools";
  EXPECT_EQ(of(program).ingredients["program"], sha256("python"));
}

TEST_F(FingerprintTest, VariablesWithoutValueComeFromTheEnvironment) {
  program.parameters["env"]["LANG"] = nullptr;
  EXPECT_EQ(of(program).ingredients["env"]["LANG"], nullptr);
  example.disk.variables["LANG"] = "C\xff";
  EXPECT_EQ(of(program).ingredients["env"]["LANG"], "C\\xff");
}

TEST_F(FingerprintTest, FileNamesThatAreNoUtf8) {
  example.disk.code["train.py"] = {"\xe4.py"};
  example.disk.files["/project/\xe4.py"] = "umlaut";
  EXPECT_EQ(of(program).ingredients["code"]["\\xe4.py"], sha256("umlaut"));
}

TEST_F(FingerprintTest, TheInterpreterOfAScriptCountsAsAProgramDoes) {
  PipelineStep script = example.at("prepare");
  script.mark = {"p.yaml", 9, 3};
  script.parameters["entry_script"] = "clean.py";
  script.parameters["python"] = "./mypy";
  EXPECT_THAT(error_of(script, ExitStatus::configuration),
              HasSubstr("p.yaml:9:3: step \"prepare\": python: there is no program"));
  example.disk.programs["/project/./mypy"] = "/project/mypy";
  example.disk.files["/project/mypy"] = "interpreter 1";
  EXPECT_THAT(error_of(script, ExitStatus::configuration),
              HasSubstr("p.yaml:9:3: step \"prepare\": entry_script names \"clean.py\""));
  example.disk.code["clean.py"] = {"clean.py"};
  example.disk.files["/project/clean.py"] = "code";
  EXPECT_EQ(of(script).ingredients["program"], sha256("interpreter 1"));
  script.parameters["entry_script"] = "clean.so";  // a library needs none
  example.disk.code["clean.so"] = {"clean.py"};
  EXPECT_FALSE(of(script).ingredients.contains("program"));
}

TEST_F(FingerprintTest, ErrorsNameStepAndThing) {
  example.disk.programs.clear();
  program.mark = {"p.yaml", 7, 3};
  EXPECT_EQ(error_of(program, ExitStatus::configuration),
            "p.yaml:7:3: step \"fit\": command: program \"python3\" is not in PATH. Try: ./python3 if it "
            "lies in /project");
  program.parameters["command"][0] = "bin/fit";
  EXPECT_THAT(error_of(program, ExitStatus::configuration),
              HasSubstr("p.yaml:7:3: step \"fit\": command: there is no program bin/fit below /project"));
  program.parameters["command"][0] = "${{inputs.data}}";
  example.disk.code.erase("train.py");
  EXPECT_THAT(
      error_of(program, ExitStatus::configuration),
      HasSubstr("p.yaml:7:3: step \"fit\": code names \"train.py\", but no such file is below /project"));
  PipelineStep step = example.at("prepare");
  step.inputs["data"] = "${{inputs.data}} ${{inputs.data}}";
  EXPECT_THAT(error_of(step, ExitStatus::configuration), HasSubstr("input data is"));
}

TEST_F(FingerprintTest, CheckFindsProblemsBeforeOutputsAreKnown) {
  Fingerprinter all(example.pipeline, example.disk, 1, "cpu");
  EXPECT_NO_THROW(all.check(example.at("evaluate")));
  example.disk.programs.clear();
  EXPECT_THROW(all.check(program), Error);
}

TEST_F(FingerprintTest, NoPathIsInTheIngredients) {
  const std::string text = of(program).ingredients.dump();
  EXPECT_THAT(text, Not(HasSubstr("/project")));
  EXPECT_THAT(text, Not(HasSubstr("/data")));
}

TEST_F(FingerprintTest, AFamilyLeavesOutTheContentOfSomeInputs) {
  const auto family = [&] { return of(example.at("report")).family; };
  EXPECT_EQ(family(), "") << "nothing may differ";
  example.make.by_file = {"data", "images"};
  const std::string rows = family(), digest = of(example.at("report")).digest;
  EXPECT_EQ(rows.size(), 64u);
  example.disk.files["/data/flights"] = "other rows";
  EXPECT_NE(of(example.at("report")).digest, digest);
  EXPECT_EQ(family(), rows);
  example.at("report").inputs["statistics"] = "${{inputs.data}}";
  EXPECT_NE(family(), rows) << "another input counts";
  example.at("report").inputs = {{"images", "${{inputs.data}}"}};
  EXPECT_NE(family(), rows) << "what is made of images is no table's";
  example.at("report").inputs = {{"statistics", "${{inputs.data}}"}};
  EXPECT_EQ(family(), "");
}

TEST_F(FingerprintTest, RemoteInputsCountByTheirListing) {
  PipelineInput& input = example.pipeline.inputs[0];
  input.path = "";
  input.remote = Location{.url = "s3://bucket/flights"};
  example.disk.files["s3://bucket/flights"] = "a listing";
  const std::string digest = sha256(std::string("a listing"));
  EXPECT_EQ(of(example.at("prepare")).ingredients["inputs"]["data"], "remote:" + digest);
  EXPECT_EQ(hashed("${{inputs.data}}/2001/q1.csv"), "<remote " + digest + "/2001/q1.csv>");
  example.disk.digests_made = 0;
  Fingerprinter all(example.pipeline, example.disk, 1, "cpu");
  all.check(example.at("prepare"));
  all.check(example.at("report"));
  EXPECT_EQ(example.disk.digests_made, 1) << "listed once";
  example.disk.files.erase("s3://bucket/flights");
  EXPECT_THAT(error_of(example.at("prepare"), ExitStatus::io), HasSubstr("input data"));
}

TEST_F(FingerprintTest, DeclaredChecksumsStandForTheContent) {
  const std::string local = of(example.at("prepare")).digest;
  PipelineInput& input = example.pipeline.inputs[0];
  input.remote = Location{.url = "https://host/rows.csv", .sha256 = sha256(std::string("rows"))};
  EXPECT_EQ(of(example.at("prepare")).digest, local) << "the same bytes, wherever they are";
  EXPECT_THAT(error_of(program, ExitStatus::configuration), HasSubstr("is one file"));

  input.remote = Location{.query = "SELECT 1 AS a", .connection = "env:DB", .version = "1"};
  const std::string first = of(example.at("prepare")).digest;
  input.remote->version = "2";
  EXPECT_NE(of(example.at("prepare")).digest, first);
}

}  // namespace
}  // namespace rankflow
