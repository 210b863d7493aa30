// A wrong pipeline file and the exact message that it gives; what most of them share.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime/pipeline.h"
#include "tests/unit/light/fake_specs.h"

namespace rankflow::bad_pipelines {

struct BadPipeline {
  const char* name;
  std::string text;
  std::string message;
  Overrides overrides = {};
};

/// A good pipeline whose steps are `steps`, from line 6 on.
inline std::string with_steps(const std::string& steps) {
  return "name: flights\ninputs:\n  flights: flights.csv\nparameters: {epochs: 3, layers: [8, 4], rate: "
         "0.1}\nsteps:\n" +
         steps;
}

/// The body of one train step "t" from line 8 on; `p` before it makes its data.
inline std::string train(const std::string& keys) {
  return with_steps(
      "  p: {type: prepare, target: late, inputs: {data: \"${{inputs.flights}}\"}}\n"
      "  t:\n" +
      keys);
}

inline const std::string model = "    model: {type: cnn}\n";
inline const std::string start =
    "    type: train\n    inputs: {train: \"${{steps.p.outputs.train}}\"}\n" + model;  // lines 8 to 10

inline std::string command(const std::string& words) {
  return with_steps("  c:\n    type: command\n    outputs: [copy]\n    command: " + words + "\n");
}

inline void expect_messages(const std::vector<BadPipeline>& table) {
  const StepSpecs specs = fake_specs();
  for (const auto& bad : table) {
    SCOPED_TRACE(bad.name);
    try {
      parse_pipeline(bad.text, "p.yaml", specs, bad.overrides);
      ADD_FAILURE() << "it was accepted";
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      EXPECT_EQ(describe(e), bad.message);
    }
  }
}

}  // namespace rankflow::bad_pipelines
