// Outputs of one step type as inputs of another.
#include <gtest/gtest.h>

#include "base/text.h"
#include "runtime/pipeline.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

/// "" where the pipeline is sound; its last step is on line 6.
std::string said(const std::string& last_step) {
  const std::string text =
      str("inputs: {rows: {path: rows.csv}}\nsteps:\n"
          "  p: {type: prepare, inputs: {data: '${{inputs.rows}}'}, target: y, split: {train: 1}}\n"
          "  t: {type: train, inputs: {train: '${{steps.p.outputs.train}}'}, model: {type: linear}}\n"
          "  c: {type: command, command: [make, '${{outputs.o}}'], outputs: [o]}\n",
          last_step, "\n");
  try {
    parse_pipeline(text, "p.yaml", all_step_specs());
  } catch (const Error& e) {
    return e.message();
  }
  return "";
}

std::string evaluation(const std::string& model, const std::string& data) {
  return str("  e: {type: evaluate, inputs: {model: '", model, "', data: '", data, "'}}");
}

TEST(OutputKinds, WhatAnInputCanNotBeIsSaidAtItsPlace) {
  const std::string data = "${{steps.p.outputs.train}}", model = "${{steps.t.outputs.model}}";
  EXPECT_EQ(said(evaluation(model, data)), "");
  EXPECT_EQ(said(evaluation(data, data)),
            "p.yaml:6:39: step \"e\": inputs.model: ${{steps.p.outputs.train}} is a prepared dataset; it has "
            "to be a model");
  EXPECT_NE(said(evaluation(model, model)).find("is a model; it has to be a prepared dataset"),
            std::string::npos);
  EXPECT_NE(said(str("  s: {type: train, model: {type: linear}, inputs: {train: '", model, "'}}"))
                .find("inputs.train"),
            std::string::npos);
}

TEST(OutputKinds, WhatNobodyKnowsMayBeAnything) {
  EXPECT_EQ(said(evaluation("${{steps.c.outputs.o}}", "${{steps.c.outputs.o}}")), "");
  EXPECT_EQ(said(evaluation("${{inputs.rows}}", "${{steps.t.outputs.model}}/below")), "");
  EXPECT_EQ(said("  f: {type: profile, inputs: {data: '${{steps.t.outputs.model}}'}}"), "");
}

}  // namespace
}  // namespace rankflow
