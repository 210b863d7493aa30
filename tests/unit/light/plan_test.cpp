#include "runtime/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planning.h"

namespace rankflow {
namespace {

using planning::carry_out;
using planning::Example;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PlanTest : public ::testing::Test {
 protected:
  // A planner for the pipeline as it is now, with every step decided that can be.
  Planner plan(PlanOptions options = {}) {
    Planner planner(example.pipeline, example.disk, std::move(options));
    planner.decide();
    return planner;
  }
  std::vector<std::string> run(PlanOptions options = {},
                               const std::map<std::string, std::string>& gives = {}) {
    Planner planner(example.pipeline, example.disk, std::move(options));
    return carry_out(planner, example.disk, gives);
  }
  const PlannedStep& of(const Planner& planner, const std::string& step) {
    return planner.steps()[example.pipeline.index_of(step)];
  }
  std::string fingerprint(const std::string& step) { return of(plan(), step).fingerprint; }
  std::string decisions(const Planner& planner) {
    std::string out;
    for (const auto& step : planner.steps()) out += std::string(out.empty() ? "" : " ") + name(step.decision);
    return out;
  }
  Example example;
};

template <typename Call>
std::string error_of(Call call, ExitStatus status) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), status) << e.what();
    return describe(e);
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST_F(PlanTest, FreshPipelineRunsWhatIsReadyAndWaitsWithTheRest) {
  const Planner planner = plan();
  EXPECT_EQ(decisions(planner), "run undecided undecided run");
  EXPECT_THAT(of(planner, "prepare").reasons, ElementsAre("no earlier result"));
  EXPECT_THAT(of(planner, "train").reasons, ElementsAre("after prepare, which runs"));
  EXPECT_THAT(of(planner, "evaluate").reasons, ElementsAre("after train, which may run"));
  EXPECT_FALSE(planner.nothing_to_do());
  EXPECT_THAT(run(), ElementsAre("prepare", "train", "evaluate", "report"));
}

TEST_F(PlanTest, UnchangedPipelineHasNothingToDo) {
  run();
  const Planner planner = plan();
  EXPECT_EQ(decisions(planner), "reuse reuse reuse reuse");
  EXPECT_TRUE(planner.nothing_to_do());
  EXPECT_THAT(of(planner, "train").reasons, ElementsAre("unchanged"));
  EXPECT_EQ(of(planner, "train").record->run, "run-1");
  EXPECT_EQ(of(planner, "train").outputs, of(planner, "train").record->outputs);
}

TEST_F(PlanTest, ChangedParameterRunsTheStepAndWhatFollows) {
  run();
  example.at("train").parameters["epochs"] = 5;
  EXPECT_EQ(decisions(plan()), "reuse run undecided reuse");
  EXPECT_THAT(run(), ElementsAre("train", "evaluate"));
}

TEST_F(PlanTest, KeysThatNeverChangeAResultDoNotCount) {
  run();
  example.at("train").parameters["log_every"] = 1;
  EXPECT_TRUE(plan().nothing_to_do());
}

TEST_F(PlanTest, ChangedInputRunsItsReaders) {
  run();
  example.disk.files["/data/flights"] = "other rows";
  EXPECT_EQ(decisions(plan()), "run undecided undecided run");
}

TEST_F(PlanTest, EqualBytesCutOffWhatFollows) {
  const std::map<std::string, std::string> same = {{"prepare", std::string(64, 'a')}};
  run({}, same);
  example.at("prepare").parameters["epochs"] = 4;
  EXPECT_THAT(run({}, same), ElementsAre("prepare"));
}

TEST_F(PlanTest, FinishedTellsWhatWasDecided) {
  const std::map<std::string, std::string> outputs = {{"out", std::string(64, 'a')}};
  run({}, {{"prepare", outputs.at("out")}});
  example.at("prepare").parameters["epochs"] = 4;
  Planner planner = plan();
  EXPECT_THAT(planner.finished(0, outputs), ElementsAre(1, 2));
  EXPECT_EQ(decisions(planner), "run reuse reuse reuse");
  EXPECT_THAT(planner.finished(0, outputs), IsEmpty()) << "told twice";
  planner.decide();
  EXPECT_EQ(decisions(planner), "run reuse reuse reuse");
}

TEST_F(PlanTest, AMissingOutputIsABug) {
  Planner planner = plan();
  EXPECT_EQ(error_of(
                [&] {
                  planner.finished(0, {{"other", "x"}});
                },
                ExitStatus::internal),
            "step prepare ended without output out");
}

TEST_F(PlanTest, ForcedStepRunsAndEqualBytesCutOff) {
  run();
  Planner planner = plan({.force = {"train"}});
  EXPECT_EQ(decisions(planner), "reuse run undecided reuse");
  EXPECT_THAT(of(planner, "train").reasons, ElementsAre("forced by --force"));
  EXPECT_THAT(carry_out(planner, example.disk), ElementsAre("train"));
  EXPECT_THAT(run({.force = {"train"}}, {{"train", std::string(64, 'b')}}), ElementsAre("train", "evaluate"));
}

TEST_F(PlanTest, ForceAllRunsAll) {
  run();
  EXPECT_THAT(run({.force_all = true}), ElementsAre("prepare", "train", "evaluate", "report"));
}

TEST_F(PlanTest, OnlyLeavesTheRest) {
  EXPECT_EQ(decisions(plan({.only = {"train"}})), "run undecided leave leave");
  EXPECT_THAT(run({.only = {"train"}}), ElementsAre("prepare", "train"));
  EXPECT_TRUE(plan({.only = {"train"}}).nothing_to_do());
}

TEST_F(PlanTest, FromRunsTheStepAndAllThatFollows) {
  run();
  Planner planner = plan({.from = {"train"}});
  EXPECT_EQ(decisions(planner), "reuse run undecided leave");
  EXPECT_THAT(of(planner, "train").reasons, ElementsAre("forced by --from"));
  EXPECT_THAT(of(planner, "evaluate").reasons,
              ElementsAre("downstream of train (--from)", "after train, which runs"));
  EXPECT_THAT(carry_out(planner, example.disk), ElementsAre("train", "evaluate"));
  EXPECT_THAT(of(planner, "evaluate").reasons, ElementsAre("downstream of train (--from)"));
}

TEST_F(PlanTest, FromAndOnlyTogether) {
  run();
  EXPECT_EQ(decisions(plan({.only = {"train"}, .from = {"prepare"}})), "run undecided leave leave");
  EXPECT_EQ(error_of([&] { plan({.only = {"prepare"}, .from = {"train"}}); }, ExitStatus::usage),
            "--from train: --only leaves this step out. Try: --only train as well");
  EXPECT_EQ(error_of([&] { plan({.only = {"prepare"}, .force = {"report"}}); }, ExitStatus::usage),
            "--force report: --only leaves this step out. Try: --only report as well");
}

TEST_F(PlanTest, OptionsThatNameNoStepAreUsageErrors) {
  error_of([&] { plan({.only = {"trian"}}); }, ExitStatus::usage);
  error_of([&] { plan({.from = {"trian"}}); }, ExitStatus::usage);
  error_of([&] { plan({.force = {"trian"}}); }, ExitStatus::usage);
}

TEST_F(PlanTest, ReuseFalseAlwaysRuns) {
  run();
  example.at("prepare").reuse = false;
  const Planner planner = plan();
  EXPECT_EQ(decisions(planner), "run undecided undecided reuse");
  EXPECT_THAT(of(planner, "prepare").reasons, ElementsAre("reuse: false"));
  EXPECT_THAT(run(), ElementsAre("prepare")) << "the same bytes: nothing follows";
}

TEST_F(PlanTest, DamagedArtifactIsMadeAgain) {
  run();
  example.disk.damaged[fingerprint("train")] = "part-00000.h5 is 10 bytes short";
  const Planner planner = plan();
  EXPECT_EQ(decisions(planner), "reuse run undecided reuse");
  EXPECT_THAT(of(planner, "train").reasons, ElementsAre("output set aside: part-00000.h5 is 10 bytes short"));
  EXPECT_THAT(run(), ElementsAre("train"));
}

TEST_F(PlanTest, RecordWithoutAnOutputIsNotUsed) {
  run();
  example.disk.records[fingerprint("report")].outputs.clear();
  const Planner planner = plan();
  EXPECT_THAT(of(planner, "report").reasons,
              ElementsAre("the record of the earlier result lacks output out"));
}

TEST_F(PlanTest, MissingInputIsFoundBeforeAnythingRuns) {
  example.at("evaluate").inputs["extra"] = "${{inputs.data}}/extra.csv";
  EXPECT_EQ(error_of([&] { plan(); }, ExitStatus::io),
            "input data: /data/flights/extra.csv does not exist. Try: --input data=PATH");
}

TEST_F(PlanTest, InputWithoutPathIsAConfigurationError) {
  example.pipeline.inputs[0].path = "";
  EXPECT_EQ(error_of([&] { plan(); }, ExitStatus::configuration),
            "input data has no path. Try: --input data=PATH");
}

TEST_F(PlanTest, InputsOfStepsLeftOutAreNotNeeded) {
  example.pipeline.inputs.push_back({"other", "", "", {}});
  example.at("report").inputs["other"] = "${{inputs.other}}";
  EXPECT_EQ(decisions(plan({.only = {"prepare"}})), "run leave leave leave");
}

TEST_F(PlanTest, TooManyRanksAreRefusedUnlessTheStepIsReused) {
  example.at("train").ranks = 8;
  EXPECT_EQ(
      error_of([&] { plan({.ranks = 4}); }, ExitStatus::configuration),
      "step train asks for 8 ranks, the run has 4. Try: -n 8, or fewer ranks under the step's resources");
  run({.ranks = 8});
  EXPECT_TRUE(plan({.ranks = 4}).nothing_to_do());
}

TEST_F(PlanTest, WhatDependsOnTheRanksSaysOnHowManyItHasNoResult) {
  example.make.depends_on_ranks = [](const Json&) { return true; };
  run({.ranks = 2});
  EXPECT_TRUE(plan({.ranks = 2}).nothing_to_do());
  EXPECT_THAT(of(plan({.ranks = 4}), "prepare").reasons, ElementsAre("no earlier result on 4 ranks"));
  EXPECT_THAT(of(plan({.ranks = 1}), "prepare").reasons, ElementsAre("no earlier result on 1 rank"));
}

TEST_F(PlanTest, OneInputIsReadOnce) {
  plan();
  EXPECT_EQ(example.disk.digests_made, 1) << "prepare and report read the same file";
}

TEST_F(PlanTest, JsonHasEveryStepWithItsReason) {
  run({.only = {"prepare"}});
  const Json json = plan_json(plan());
  EXPECT_EQ(json["counts"], Json::parse(R"({"leave": 0, "reuse": 1, "run": 2, "undecided": 1})"));
  EXPECT_EQ(json["steps"][0]["run"], "run-1");
  EXPECT_EQ(json["steps"][1]["reasons"], Json::parse(R"(["no earlier result"])"));
  EXPECT_EQ(json["steps"][2]["decision"], "undecided");
  EXPECT_FALSE(json["steps"][2].contains("fingerprint"));
}

TEST(PlanChain, TwoThousandStepsInARowAreReused) {
  Example example;
  example.pipeline.steps.clear();
  for (std::size_t i = 0; i < 2000; ++i) {
    const auto needs = i == 0 ? std::vector<std::size_t>{} : std::vector<std::size_t>{i - 1};
    const std::string input =
        i == 0 ? "${{inputs.data}}" : "${{steps.s" + std::to_string(i - 1) + ".outputs.out}}";
    example.pipeline.steps.push_back(planning::step("s" + std::to_string(i), example.make,
                                                    planning::make_keys(), {{"data", input}}, needs));
  }
  Planner first(example.pipeline, example.disk, {});
  EXPECT_EQ(carry_out(first, example.disk).size(), 2000u);
  Planner second(example.pipeline, example.disk, {});
  second.decide();
  EXPECT_TRUE(second.nothing_to_do());
}

}  // namespace
}  // namespace rankflow
