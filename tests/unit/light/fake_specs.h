// Small step types that together use every kind of field, for tests of the pipeline format.
#pragma once

#include "runtime/step_spec.h"

namespace rankflow {

inline StepSpec fake_prepare() {
  StepSpec spec;
  spec.type = "prepare";
  spec.help = "Makes a dataset.";
  spec.fields = {
      required(text("target", "The column to predict")),
      with_default(choice("format", {"csv", "idx"}, "How the input is written"), "csv"),
      or_single(list("features", text("", ""), "Columns")),
      with_default(map("splits", between(number("", ""), 0, 1), "Shares"), Json{{"train", 1.0}}),
      with_default(integer("seed", "Of the split"), 7),
  };
  spec.inputs = {{"data", "a table"}, {"labels", "label file", false}};
  spec.outputs = [](const Json& parameters) {
    std::vector<OutputSpec> out;
    for (const auto& [name, share] : parameters.at("splits").items()) out.push_back({name, ""});
    return out;
  };
  spec.outputs_help = "one per split";
  return spec;
}

inline StepSpec fake_train() {
  StepSpec spec;
  spec.type = "train";
  spec.help = "Trains a model.";
  const Fields mlp = {required(at_least(list("hidden", at_least(integer("", ""), 1), "Sizes"), 1))};
  const Fields cnn = {with_default(between(integer("channels", "Channels"), 1, 1024), 16)};
  spec.fields = {
      with_default(between(integer("epochs", "Passes"), 1, 100), 1),
      with_default(above(number("learning_rate", "Step size"), 0), 0.1),
      with_default(boolean("shuffle", "Shuffle"), true),
      with_default(or_word(at_least(integer("batch", "Samples"), 1), "auto"), "auto"),
      required(variant("model", {{"mlp", "A perceptron", mlp}, {"cnn", "A convolutional network", cnn}},
                       "The model")),
      with_default(
          object("checkpoint", {with_default(at_least(integer("every", "Batches"), 1), 100)}, "Checkpoints"),
          Json::object()),
      any("notes", "Anything"),
  };
  spec.inputs = {{"train", "a dataset"}};
  spec.outputs = [](const Json&) { return std::vector<OutputSpec>{{"model", ""}, {"metrics", ""}}; };
  spec.outputs_help = "`model` and `metrics`";
  spec.check = [](const Json& parameters) {
    if (parameters.at("epochs") == 13)
      throw Error(ExitStatus::configuration, "epochs is unlucky", "another number");
  };
  return spec;
}

inline StepSpec fake_command() {
  StepSpec spec;
  spec.type = "command";
  spec.help = "Runs a program.";
  spec.fields = {
      required(at_least(list("command", bindable(text("", "")), "Program and arguments"), 1)),
      with_default(list("outputs", text("", ""), "Names"), Json::array()),
      with_default(map("env", bindable(text("", "")), "Variables"), Json::object()),
  };
  spec.any_inputs = true;
  spec.default_ranks = 1;
  spec.outputs = [](const Json& parameters) {
    std::vector<OutputSpec> out;
    for (const auto& name : parameters.at("outputs")) out.push_back({name, ""});
    return out;
  };
  return spec;
}

inline StepSpecs fake_specs() {
  return StepSpecs({fake_prepare(), fake_train(), fake_command()});
}

}  // namespace rankflow
