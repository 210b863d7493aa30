// Which mini-batches are tried again, which may fail, and what is refused.
#include "steps/score_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "base/error.h"
#include "runtime/spawner_gone.h"
#include "runtime/step_failure.h"
#include "tests/step_fixture.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

/// Gives each row its number; `failures`: how often each mini-batch fails before that, by its first row.
class FakeScorer : public RowScorer {
 public:
  std::map<std::int64_t, int> failures;
  std::map<std::int64_t, int> calls;
  std::int64_t lacking = 0;  // rows too few
  bool no_helper = false, never_works = false;
  std::int64_t never = -1;
  std::int64_t changed = -1;  // row whose source is no longer what it was

  std::int64_t rows() const override { return 95; }
  const ResultSchema& schema() const override { return schema_; }
  Json about() const override { return Json::object(); }
  void begin(Range rows) override {
    if (rows.begin == never) throw Error(ExitStatus::bad_data, "not these");
  }
  void check_unchanged(Range rows) const override {
    if (rows.begin <= changed && changed < rows.end)
      throw Error(ExitStatus::bad_data, "changed while it was read");
  }
  ResultTable score(Range rows) override {
    ++calls[rows.begin];
    if (no_helper) throw SpawnerGone();
    if (never_works) throw StepFailure(ExitStatus::bad_data, "of no row");
    if (failures[rows.begin]-- > 0) throw Error(ExitStatus::step_failed, "as told", "another hint");
    std::vector<std::int64_t> numbers;
    for (std::int64_t i = rows.begin; i < rows.end - lacking; ++i) numbers.push_back(i);
    return {std::ssize(numbers), {numbers}};
  }

 private:
  ResultSchema schema_ = {plain_column("row", ResultType::integer)};
};

class ScoreRuns : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<Communicator> comm_ = make_self_communicator();
  FakeScorer scorer_;

  ScoredRows run(Json keys) {
    keys["mini_batch_size"] = 10;
    StepRun step(*comm_, "score", keys, folder_.path(), {});
    const ScoreOptions options(step.context.parameters);
    return ScoreRun(step.context, options, scorer_).run();
  }
  std::string message(const Json& keys) {
    try {
      run(keys);
    } catch (const Error& e) {
      return describe(e);
    }
    return "nothing was thrown";
  }
};

TEST_F(ScoreRuns, TriesAgain) {
  scorer_.failures = {{20, 2}};
  const auto scored = run(Json::object());
  EXPECT_TRUE(scored.failures.empty());
  EXPECT_EQ(scorer_.calls[20], 3);
  EXPECT_EQ(scorer_.calls[30], 1);
  std::int64_t rows = 0;
  for (const auto& chunk : scored.chunks) rows += chunk.rows;
  EXPECT_EQ(rows, 95);
}

TEST_F(ScoreRuns, FailsWhereNothingIsTolerated) {
  scorer_.failures = {{20, 3}};
  EXPECT_THAT(message(Json::object()),
              HasSubstr("mini-batch 2 (rows 20 to 29, rank 0) failed 3 times: as told"));
  scorer_.failures = {{20, 1}};
  EXPECT_THAT(message({{"retry_settings", {{"max_retries", 0}}}}), HasSubstr("rank 0) failed: as told"));
}

TEST_F(ScoreRuns, ToleratesWhatIsAllowed) {
  scorer_.failures = {{20, 9}, {90, 9}};
  const auto scored = run({{"error_threshold", 15}});
  ASSERT_EQ(scored.failures.size(), 2u);
  EXPECT_EQ(scored.failures[1].rows, (Range{90, 95}));
  EXPECT_THAT(scored.failures[0].message, HasSubstr("as told"));
}

TEST_F(ScoreRuns, CountsMiniBatchesAndRowsApart) {
  scorer_.failures = {{20, 9}, {90, 9}};
  EXPECT_THAT(message({{"error_threshold", 14}}), HasSubstr("number 2 of those that did"));
  scorer_.failures = {{20, 9}, {90, 9}};
  EXPECT_THAT(message({{"mini_batch_error_threshold", 1}, {"error_threshold", -1}}), HasSubstr("failed"));
  scorer_.failures = {{20, 9}, {90, 9}};
  EXPECT_EQ(run({{"mini_batch_error_threshold", -1}}).failures.size(), 2u);
}

TEST_F(ScoreRuns, RefusesFewerRowsThanItAskedFor) {
  scorer_.lacking = 1;
  EXPECT_THAT(message(Json::object()), HasSubstr("gave 9 rows for 10"));
}

TEST_F(ScoreRuns, EndsWhereNothingCanBeStartedAnyMore) {
  scorer_.no_helper = true;
  EXPECT_THAT(message({{"mini_batch_error_threshold", -1}}), HasSubstr("helper process"));
  EXPECT_EQ(scorer_.calls[0], 1) << "it is no failure of the mini-batch";
}

TEST_F(ScoreRuns, KeepsNoRowsOfAnInputThatChanged) {
  scorer_.changed = 94;
  EXPECT_THAT(message({{"mini_batch_error_threshold", -1}}), HasSubstr("changed while it was read"));
  scorer_.changed = -1;
  scorer_.calls.clear();
  run(Json::object());
  EXPECT_EQ(scorer_.calls[90], 1) << "a later run takes over nothing that was made of it";
}

TEST_F(ScoreRuns, EndsWhereEveryMiniBatchWouldFail) {
  scorer_.never_works = true;
  EXPECT_EQ(message({{"mini_batch_error_threshold", -1}, {"error_threshold", -1}}), "of no row");
  EXPECT_EQ(scorer_.calls[0], 1) << "and tries none again";
}

TEST_F(ScoreRuns, FailsWhereNothingWasScoredUnlessThatIsAskedFor) {
  for (std::int64_t first = 0; first < 95; first += 10) scorer_.failures[first] = 99;
  EXPECT_THAT(message({{"mini_batch_error_threshold", 10}}), HasSubstr("all 10 mini-batches failed"));
  EXPECT_THAT(message({{"error_threshold", 95}}), HasSubstr("the first: as told"));
  EXPECT_EQ(run({{"mini_batch_error_threshold", -1}}).failures.size(), 10u);
}

TEST_F(ScoreRuns, EndsWhereRowsCannotBeInTheOutput) {
  scorer_.never = 30;
  EXPECT_THAT(message({{"mini_batch_error_threshold", -1}}), HasSubstr("not these"));
  EXPECT_EQ(scorer_.calls[20], 1);
  EXPECT_EQ(scorer_.calls[30], 0);
}

TEST_F(ScoreRuns, TriesFailedOnesAgainInTheNextRun) {
  scorer_.failures = {{20, 3}};
  message(Json::object());
  const auto scored = run(Json::object());
  EXPECT_TRUE(scored.failures.empty());
  EXPECT_EQ(scorer_.calls[10], 1) << "what was finished is kept";
  EXPECT_EQ(scorer_.calls[20], 4);
}

/// What a user's code gives: columns whose types differ between mini-batches.
class ScriptLikeScorer : public RowScorer {
 public:
  std::map<std::int64_t, ResultType> types;  // by the mini-batch's first row; others: integers

  std::int64_t rows() const override { return 40; }
  const ResultSchema& schema() const override { return schema_; }
  bool knows_schema() const override { return false; }
  Json about() const override { return Json::object(); }
  ResultTable score(Range rows) override {
    const auto found = types.find(rows.begin);
    schema_ = {plain_column("c", found == types.end() ? ResultType::integer : found->second)};
    ResultTable table{rows.size(), {no_values(schema_[0].type)}};
    const auto count = static_cast<std::size_t>(rows.size());
    std::visit([&](auto& values) { values.resize(count); }, table.columns[0]);
    if (has_no_values(schema_[0].type))
      table.columns[0] = std::vector<double>(count, std::numeric_limits<double>::quiet_NaN());
    return table;
  }

 private:
  ResultSchema schema_;
};

class ScriptResults : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::unique_ptr<Communicator> comm_ = make_self_communicator();
  ScriptLikeScorer scorer_;

  ResultColumn column() {
    const Json keys = {{"mini_batch_size", 10}, {"mini_batch_error_threshold", -1}};
    StepRun step(*comm_, "score", keys, folder_.path(), {});
    const ScoreOptions options(step.context.parameters);
    return ScoreRun(step.context, options, scorer_).run().schema.at(0);
  }
};

TEST_F(ScriptResults, HaveTheTypeThatServesAllMiniBatches) {
  scorer_.types = {{0, ResultType::missing}, {20, ResultType::missing}};
  EXPECT_EQ(column().type, ResultType::integer);
  EXPECT_TRUE(column().gaps);
}

TEST_F(ScriptResults, AreRealsWhereSomeAre) {
  scorer_.types = {{20, ResultType::real32}};
  EXPECT_EQ(column().type, ResultType::real64);
}

TEST_F(ScriptResults, AreRealsWhereNoneHasAValue) {
  for (const std::int64_t row : {0, 10, 20, 30}) scorer_.types[row] = ResultType::missing;
  EXPECT_EQ(column().type, ResultType::real64);
}

TEST_F(ScriptResults, OfOtherColumnsEndTheStep) {
  scorer_.types = {{20, ResultType::text}};
  try {
    column();
    FAIL() << "which mini-batches count as failed would depend on who scored them";
  } catch (const Error& e) {
    EXPECT_THAT(describe(e),
                HasSubstr("the results of mini-batch 2 have other columns than those of mini-batch 0: "
                          "c (text) and c (integer)"));
  }
}

}  // namespace
}  // namespace rankflow
