// Everything that evaluate can find out, on several ranks against one.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/mpi/steps_harness.h"

namespace rankflow {
namespace {

void expect_same_files(const std::string& many, const std::string& one, std::size_t files) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(one)) {
    const std::string name = entry.path().filename();
    EXPECT_EQ(read_file(many + "/" + name), read_file(one + "/" + name)) << name;
    ++found;
  }
  EXPECT_EQ(found, files);
}

TEST_F(Steps, EveryResultOfAnEvaluationIsTheSameOnAnyNumberOfRanks) {
  const auto table = write("table", toy_table(400, 1)), table_test = write("table_test", toy_table(533, 2));
  const auto numbers = write("numbers", toy_numbers(300, 1)),
             numbers_test = write("numbers_test", toy_numbers(333, 2));
  const auto clouds = write("clouds", toy_clouds(300, 3, 1)),
             clouds_test = write("clouds_test", toy_clouds(201, 3, 2));
  const Json linear = {{"type", "linear"}}, tabular = {{"type", "tabular"}, {"hidden", {8}}};
  for (const auto& [name, train, data, model, slices, files] :
       {std::tuple{"table", table, table_test, tabular, Json{"b", "x0"}, 10},
        std::tuple{"clouds", clouds, clouds_test, linear, Json{"x2"}, 10},
        std::tuple{"numbers", numbers, numbers_test, linear, Json{"x0"}, 6}}) {
    std::map<std::string, std::string> inputs = {{"data", data}};
    for (const auto& [input, epochs] : {std::pair{"model", 3}, std::pair{"baseline", 1}}) {
      StepRun training(all_, "train", {{"model", model}, {"epochs", epochs}, {"batch_size", 32}},
                       str(shared_, "/", name, "_", input), {{"train", train}});
      training.run();
      inputs[input] = training.output();
    }
    all_.barrier();
    const Json keys = {{"mini_batch_size", 50},
                       {"bootstrap", {{"samples", 50}, {"seed", 3}}},
                       {"slices", slices},
                       {"permutation_importance", {{"repeats", 3}, {"seed", 5}}}};
    const auto [many, one] = both("evaluate", keys, str(name, "_evaluate"), inputs);
    expect_same_files(many, one, static_cast<std::size_t>(files));
  }
}

TEST_F(Steps, AnEvaluationStopsBetweenSamplesWhenOneRankIsAsked) {
  const auto data = write("table", toy_table(200, 1));
  StepRun training(all_, "train", {{"model", {{"type", "tabular"}}}, {"epochs", 1}}, shared_ + "/t",
                   {{"train", data}});
  training.run();
  all_.barrier();
  StepRun step(all_, "evaluate", {{"bootstrap", {{"samples", 100}}}}, shared_ + "/e",
               {{"model", training.output()}, {"data", data}});
  step.run_until_stopped_after(3);
  EXPECT_FALSE(exists(step.output() + "/metrics.json"));
}

}  // namespace
}  // namespace rankflow
