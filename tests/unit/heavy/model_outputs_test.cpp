// What a model's outputs become, and what is refused.
#include "steps/model_outputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "runtime/step_failure.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

const Range three{10, 13};

OutputMeaning of_classes(std::int64_t classes, ModelOutputs outputs = ModelOutputs::logits) {
  return {Task::classification, {}, classes, true, outputs};
}

StepFailure failure(const at::Tensor& outputs, const OutputMeaning& meaning) {
  try {
    in_units_of_target(outputs, meaning, 3, three);
  } catch (const StepFailure& e) {
    return e;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {ExitStatus::ok, ""};
}

TEST(ModelOutputs, LogitsAndProbabilitiesBecomeTheSameLogarithms) {
  torch::manual_seed(1);
  const at::Tensor logits = torch::randn({3, 4});
  const at::Tensor expected = logits.to(at::kDouble).log_softmax(1);
  EXPECT_TRUE(torch::equal(in_units_of_target(logits, of_classes(4), 3, three), expected));
  EXPECT_TRUE(torch::allclose(
      in_units_of_target(logits.softmax(1), of_classes(4, ModelOutputs::probabilities), 3, three), expected,
      1e-5, 1e-5));
}

TEST(ModelOutputs, AProbabilityOfZeroHasALogarithm) {
  const at::Tensor sure = torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {1.0, 0.0}});
  const at::Tensor log = in_units_of_target(sure, of_classes(2, ModelOutputs::probabilities), 3, three);
  EXPECT_TRUE(log.isfinite().all().item<bool>());
  EXPECT_TRUE(torch::allclose(log.exp(), sure.to(at::kDouble)));
}

TEST(ModelOutputs, WhatIsTakenForTheOtherIsRefused) {
  const at::Tensor logits = torch::tensor({{1.0, -2.0}, {0.5, 0.5}, {0.2, 0.8}}),
                   probabilities = logits.softmax(1);
  EXPECT_THAT(failure(probabilities, of_classes(2)).message(),
              HasSubstr("gave probabilities for the 3 rows from 10 on"));
  EXPECT_EQ(failure(probabilities, of_classes(2)).hint(), "model_outputs: probabilities");
  EXPECT_THAT(failure(logits, of_classes(2, ModelOutputs::probabilities)).message(),
              HasSubstr("a row from -2 to 1 whose sum is -1"));
  // Built-in models give logits; two rows may be a coincidence.
  OutputMeaning built_in = of_classes(2);
  built_in.from_elsewhere = false;
  EXPECT_NO_THROW(in_units_of_target(probabilities, built_in, 3, three));
  EXPECT_NO_THROW(in_units_of_target(probabilities.narrow(0, 0, 2), of_classes(2), 2, {10, 12}));
  EXPECT_NO_THROW(in_units_of_target(logits, of_classes(2), 3, three));
}

TEST(ModelOutputs, NumbersMayBeInAColumnOrNot) {
  const OutputMeaning number{Task::regression, {10, 2}, 0, true, {}};
  const at::Tensor values = torch::tensor({1.0, 2.0, 3.0}),
                   expected = torch::tensor({{12.0}, {14.0}, {16.0}});
  EXPECT_TRUE(torch::equal(in_units_of_target(values, number, 3, three), expected.to(at::kDouble)));
  EXPECT_TRUE(
      torch::equal(in_units_of_target(values.unsqueeze(1), number, 3, three), expected.to(at::kDouble)));
  EXPECT_THAT(failure(torch::zeros({3, 2}), number).message(), HasSubstr("2 outputs for each row, not 1"));
}

TEST(ModelOutputs, OtherShapesAreRefusedWithWhatIsWanted) {
  for (const at::Tensor& one : {torch::zeros({3}), torch::zeros({3, 1})}) {
    EXPECT_THAT(failure(one, of_classes(2)).message(), HasSubstr("1 output for each row, not 2"));
    EXPECT_THAT(failure(one, of_classes(2)).hint(), HasSubstr("torch.zeros_like(z)"));
  }
  EXPECT_THAT(failure(torch::zeros({2, 4}), of_classes(4)).message(), HasSubstr("[2,4] for 3 of the 3 rows"));
  EXPECT_THAT(failure(torch::zeros({3, 4, 1}), of_classes(4)).message(), HasSubstr("[3,4,1]"));
  EXPECT_THAT(failure(torch::zeros({3, 5}), of_classes(4)).message(),
              HasSubstr("5 outputs for each row, not 4"));
}

}  // namespace
}  // namespace rankflow
