#include "runtime/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Json ingredients() {
  return Json::parse(R"({
    "format": 1, "type": "train", "version": 1, "device": "cpu", "outputs": ["model"],
    "parameters": {"epochs": 3, "model": {"hidden": [64, 32], "type": "mlp"}},
    "inputs": {"data": "artifact:12ab34/train", "raw": "content:aaaa11"}})");
}

const Json no_labels = Json::object();

std::vector<std::string> change(const Json& before, const Json& now) {
  return explain_change(before, no_labels, now, no_labels);
}

TEST(Explain, NothingChanged) {
  EXPECT_THAT(change(ingredients(), ingredients()), IsEmpty());
}

TEST(Explain, ParametersDownToTheKey) {
  Json now = ingredients();
  now["parameters"]["epochs"] = 5;
  now["parameters"]["model"]["hidden"] = {128};
  now["parameters"]["model"]["dropout"] = 0.5;
  EXPECT_THAT(change(ingredients(), now),
              ElementsAre("parameter epochs: 3 → 5", "parameter model.dropout: not set → 0.5",
                          "parameter model.hidden: [64, 32] → [128]"));
}

TEST(Explain, TextsListsAndNulls) {
  Json before = ingredients(), now = ingredients();
  before["parameters"] = {{"a", "adam"}, {"b", ""}, {"c", true}, {"d", {"x", "y"}}};
  now["parameters"] = {{"a", "sgd"}, {"b", "z"}, {"c", nullptr}, {"d", {"x", "z"}}};
  EXPECT_THAT(change(before, now),
              ElementsAre("parameter a: adam → sgd", "parameter b: \"\" → z", "parameter c: true → not set",
                          "parameter d: [\"x\", \"y\"] → [\"x\", \"z\"]"));
}

TEST(Explain, LongCommandsWordByWord) {
  Json before = ingredients(), now = ingredients();
  before["parameters"] =
      now["parameters"] = {{"command", {"python3", "scripts/train_the_model.py", "--epochs", "3"}}};
  now["parameters"]["command"][3] = "5";
  EXPECT_THAT(change(before, now), ElementsAre("parameter command[3]: 3 → 5"));
}

TEST(Explain, TypeVersionDeviceRanksAndOutputs) {
  Json now = ingredients();
  now["type"] = "fit";
  now["version"] = 2;
  now["device"] = "cuda";
  now["ranks"] = 4;
  now["outputs"] = {"model", "report"};
  EXPECT_THAT(change(ingredients(), now), ElementsAre("step type: train → fit", "step type version: 1 → 2",
                                                      "outputs: [\"model\"] → [\"model\", \"report\"]",
                                                      "device: cpu → cuda", "ranks: not set → 4"));
}

TEST(Explain, InputsWithoutLabels) {
  Json now = ingredients();
  now["inputs"]["raw"] = "content:bbbb22";
  now["inputs"]["data"] = "artifact:34cd56/train";
  EXPECT_THAT(change(ingredients(), now), ElementsAre("input data: output changed (12ab… → 34cd…)",
                                                      "input raw: content changed (aaaa… → bbbb…)"));
}

TEST(Explain, InputsByLabel) {
  Json now = ingredients();
  now["inputs"] = {{"data", "artifact:34cd56/train"}, {"raw", "content:bbbb22"}};
  const Json before_labels = {{"artifact 12ab34", "${{steps.prepare.outputs.data}}"},
                              {"content aaaa11", "${{inputs.a}}"}};
  const Json now_labels = {{"artifact 34cd56", "${{steps.prepare.outputs.data}}"},
                           {"content bbbb22", "${{inputs.b}}"}};
  EXPECT_THAT(
      explain_change(ingredients(), before_labels, now, now_labels),
      ElementsAre("input data (${{steps.prepare.outputs.data}}/train): output changed (12ab… → 34cd…)",
                  "input raw: ${{inputs.a}} (aaaa…) → ${{inputs.b}} (bbbb…)"));
}

TEST(Explain, InputsAddedAndRemoved) {
  Json now = ingredients();
  now["inputs"] = {{"data", "artifact:12ab34/train"}, {"extra", "content:cccc33"}};
  EXPECT_THAT(change(ingredients(), now), ElementsAre("input extra: added", "input raw: removed"));
}

TEST(Explain, ContentInTexts) {
  Json before = ingredients(), now = ingredients();
  before["parameters"] = {{"command", {"cat", "<content aaaa11>", "<artifact 12ab34>/x"}}};
  now["parameters"] = {{"command", {"cat", "<content bbbb22>", "<artifact 12ab34>/y"}}};
  const Json before_labels = {{"content aaaa11", "${{inputs.a}}"},
                              {"artifact 12ab34", "${{steps.s.outputs.o}}"}};
  const Json now_labels = {{"content bbbb22", "${{inputs.a}}"},
                           {"artifact 12ab34", "${{steps.s.outputs.o}}"}};
  EXPECT_THAT(explain_change(before, before_labels, now, now_labels),
              ElementsAre("parameter command[2]: ${{steps.s.outputs.o}}/x → ${{steps.s.outputs.o}}/y",
                          "${{inputs.a}}: content changed (aaaa… → bbbb…)"));
}

TEST(Explain, ProgramCodeAndEnvironment) {
  Json before = ingredients(), now = ingredients();
  before["parameters"] = now["parameters"] = {{"command", {"python3"}}};
  before["program"] = "1111aa";
  now["program"] = "2222bb";
  before["code"] = {{"old.py", "1"}, {"train.py", "2"}, {"same.py", "3"}};
  now["code"] = {{"new.py", "1"}, {"train.py", "4"}, {"same.py", "3"}};
  before["env"] = {{"SEED", "1"}, {"LANG", nullptr}};
  now["env"] = {{"SEED", "2"}, {"LANG", "C"}};
  EXPECT_THAT(change(before, now),
              ElementsAre("program python3: changed (1111… → 2222…)", "code new.py: added",
                          "code old.py: removed", "code train.py: changed",
                          "environment variable LANG: not set → C", "environment variable SEED: 1 → 2"));
}

TEST(Explain, RecordsWithoutIngredients) {
  EXPECT_THAT(explain_change(nullptr, nullptr, Json{{"type", "train"}}, nullptr),
              ElementsAre("step type: not set → train"));
}

}  // namespace
}  // namespace rankflow
