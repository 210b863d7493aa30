// Keys of train that don't go together are refused before anything runs, with both names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/light/spec_fixture.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;

class TrainSpec : public SpecTest {
 protected:
  TrainSpec() : SpecTest("train") {}
  static Json with_model(Json keys) {
    keys["model"] = {{"type", "mlp"}};
    return keys;
  }
};

const Json rounds = {{"batches", 4}};
const Json average = {{"decay", 0.9}};

TEST_F(TrainSpec, RefusesWhatDoesNotGoTogether) {
  const std::vector<std::tuple<Json, std::string, std::string>> wrong = {
      {{{"local_steps", rounds}, {"deterministic", true}}, "local_steps", "deterministic"},
      {{{"local_steps", rounds}, {"shard_optimizer", true}}, "local_steps", "shard_optimizer"},
      {{{"local_steps", rounds}, {"overlap", "always"}}, "local_steps", "overlap: always"},
      {{{"local_steps", rounds}, {"ema", average}}, "local_steps", "ema"},
      {{{"overlap", "shared"}, {"deterministic", true}}, "overlap: shared", "deterministic"},
      {{{"overlap", "shared"}, {"gradient_compression", "bfloat16"}},
       "overlap: shared",
       "gradient_compression"},
      {{{"overlap", "shared"}, {"local_steps", rounds}}, "overlap: shared", "local_steps"},
      {{{"overlap", "shared"}, {"ema", average}}, "overlap: shared", "ema"},
      {{{"shard_optimizer", true}, {"gradient_compression", "float16"}},
       "shard_optimizer",
       "gradient_compression"},
      {{{"shard_optimizer", true}, {"overlap", "always"}}, "shard_optimizer", "overlap: always"},
      {{{"deterministic", true}, {"shard_optimizer", true}}, "deterministic", "shard_optimizer"},
      {{{"deterministic", true}, {"accumulate", 2}}, "deterministic", "accumulate"}};
  for (const auto& [keys, one, other] : wrong) {
    EXPECT_THAT(message(with_model(keys)), HasSubstr("does not go with")) << keys;
    EXPECT_THAT(message(with_model(keys)), HasSubstr(one)) << keys;
    EXPECT_THAT(message(with_model(keys)), HasSubstr(other)) << keys;
  }
}

TEST_F(TrainSpec, RefusesWindowsThatHaveNoEffect) {
  EXPECT_THAT(message(with_model({{"shuffle_window", 1000}, {"shuffle", false}})), HasSubstr("no effect"));
  EXPECT_THAT(message(with_model({{"shuffle_window", 100}, {"batch_size", 256}})),
              HasSubstr("smaller than batch_size"));
  EXPECT_EQ(message(with_model({{"shuffle_window", 256}, {"batch_size", 256}})), "no error");
}

TEST_F(TrainSpec, OnlyLocalStepsDependOnTheNumberOfRanks) {
  EXPECT_FALSE(spec_->depends_on_ranks(complete(with_model(Json::object()))));
  EXPECT_TRUE(spec_->depends_on_ranks(complete(with_model({{"local_steps", rounds}}))));
}

TEST_F(TrainSpec, InputsThatKeysNeed) {
  const Json linear = {{"model", {{"type", "linear"}}}};
  EXPECT_EQ(inputs_message(linear, {"train"}), "no error");
  EXPECT_THAT(inputs_message({{"model", {{"type", "exported"}}}}, {"train"}),
              HasSubstr("needs the input model"));
  Json best = linear;
  best["select"] = "best";
  EXPECT_THAT(inputs_message(best, {"train"}), HasSubstr("select: best needs the input validation"));
  EXPECT_EQ(inputs_message(best, {"train", "validation"}), "no error");
}

}  // namespace
}  // namespace rankflow
