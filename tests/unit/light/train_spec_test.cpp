// Keys of train that don't go together are refused before anything runs, with both names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/field.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;

class TrainSpec : public ::testing::Test {
 protected:
  Json complete(Json keys) const {
    keys["model"] = {{"type", "mlp"}};
    return validate(Node::from_json(keys), spec_->fields, "test.yaml", "train");
  }
  std::string message(const Json& keys) const {
    try {
      spec_->check(complete(keys));
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "no error";
  }
  const StepSpecs specs_ = all_step_specs();
  const StepSpec* spec_ = specs_.find("train");
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
    EXPECT_THAT(message(keys), HasSubstr("does not go with")) << keys;
    EXPECT_THAT(message(keys), HasSubstr(one)) << keys;
    EXPECT_THAT(message(keys), HasSubstr(other)) << keys;
  }
}

TEST_F(TrainSpec, RefusesWindowsThatHaveNoEffect) {
  EXPECT_THAT(message({{"shuffle_window", 1000}, {"shuffle", false}}), HasSubstr("no effect"));
  EXPECT_THAT(message({{"shuffle_window", 100}, {"batch_size", 256}}), HasSubstr("smaller than batch_size"));
  EXPECT_EQ(message({{"shuffle_window", 256}, {"batch_size", 256}}), "no error");
}

TEST_F(TrainSpec, OnlyLocalStepsDependOnTheNumberOfRanks) {
  EXPECT_FALSE(spec_->depends_on_ranks(complete(Json::object())));
  EXPECT_TRUE(spec_->depends_on_ranks(complete({{"local_steps", rounds}})));
}

}  // namespace
}  // namespace rankflow
