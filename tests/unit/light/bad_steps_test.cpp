// Wrong pipeline files and the exact message that each gives: steps, their keys, bindings and order.
#include "tests/unit/light/bad_pipelines.h"

namespace rankflow::bad_pipelines {
namespace {

TEST(BadPipelines, Steps) {
  expect_messages({
      // Steps
      {"step null", with_steps("  a:\n"),
       "p.yaml:6:3: step \"a\" must be a mapping of keys to values, not nothing"},
      {"step a list", with_steps("  a: [1]\n"),
       "p.yaml:6:3: step \"a\" must be a mapping of keys to values, not a list"},
      {"step name dots", with_steps("  ..: {type: train}\n"),
       "p.yaml:6:3: a step's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at the "
       "start; not \"..\""},
      {"step name slash", with_steps("  a/b: {type: train}\n"),
       "p.yaml:6:3: a step's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at the "
       "start; not \"a/b\""},
      {"step name dash", with_steps("  -a: {type: train}\n"),
       "p.yaml:6:3: a step's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at the "
       "start; not \"-a\""},
      {"step name long", with_steps("  ? " + std::string(10'000, 'x') + "\n  : {type: train}\n"),
       "p.yaml:6:5: a step's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at the "
       "start; not \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\""},
      {"step name control", with_steps("  \"a\\e[2J\": {type: train}\n"),
       "p.yaml:6:3: a step's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at the "
       "start; not \"a\\x1b[2J\""},
      {"step twice", with_steps("  a: {type: train}\n  a: {type: train}\n"),
       "p.yaml:7:3: the key \"a\" stands here twice (first on line 6)"},
      {"no type", with_steps("  a: {target: x}\n"),
       "p.yaml:6:3: step \"a\": missing key \"type\"; there are the types prepare, train, command"},
      {"unknown type", with_steps("  a: {type: trian}\n"),
       "p.yaml:6:13: step \"a\": no step type \"trian\" (did you mean \"train\"?)"},
      {"very unknown type", with_steps("  a: {type: sing}\n"),
       "p.yaml:6:13: step \"a\": no step type \"sing\"; there are prepare, train, command"},
      {"type a list", with_steps("  a: {type: [train]}\n"),
       "p.yaml:6:13: step \"a\": type must be text, not a list"},
  });
}

TEST(BadPipelines, Keys) {
  expect_messages({
      // Keys
      {"unknown key", train(start + "    epoch: 3\n"),
       "p.yaml:11:5: step \"t\": unknown key \"epoch\" (did you mean \"epochs\"?)"},
      {"unknown key far from all", with_steps("  c: {type: command, command: [a], colour: red}\n"),
       "p.yaml:6:36: step \"c\": unknown key \"colour\"; there are type, description, inputs, after, "
       "resources, reuse, access, publish_to, command, outputs, env"},
      {"missing key", train("    type: train\n    inputs: {train: \"${{steps.p.outputs.train}}\"}\n"),
       "p.yaml:8:5: step \"t\": missing key \"model\""},
      {"key without value", train("    type: train\n    model:\n"),
       "p.yaml:9:11: step \"t\": no value for the key \"model\""},
      {"not an integer", train(start + "    epochs: many\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not \"many\""},
      {"quoted integer", train(start + "    epochs: \"3\"\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not \"3\""},
      {"fraction for an integer", train(start + "    epochs: 3.5\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not 3.5"},
      {"integer too small", train(start + "    epochs: 0\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not 0"},
      {"integer too large", train(start + "    epochs: 101\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not 101"},
      {"integer overflow", train(start + "    epochs: 9223372036854775808\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100 that fits into 64 bits, not "
       "9223372036854775808"},
      {"integer or word", train(start + "    batch: all\n"),
       "p.yaml:11:12: step \"t\": batch must be \"auto\" or an integer of at least 1, not \"all\""},
      {"not a number", train(start + "    learning_rate: fast\n"),
       "p.yaml:11:20: step \"t\": learning_rate must be a number greater than 0, not \"fast\""},
      {"number zero", train(start + "    learning_rate: 0\n"),
       "p.yaml:11:20: step \"t\": learning_rate must be a number greater than 0, not 0"},
      {"number NaN", train(start + "    learning_rate: .nan\n"),
       "p.yaml:11:20: step \"t\": learning_rate must be a finite number greater than 0, not .nan"},
      {"number infinite", train(start + "    learning_rate: .inf\n"),
       "p.yaml:11:20: step \"t\": learning_rate must be a finite number greater than 0, not .inf"},
      {"number overflow", train(start + "    learning_rate: 1e999\n"),
       "p.yaml:11:20: step \"t\": learning_rate must be a finite number greater than 0, not 1e999"},
      {"not a boolean", train(start + "    shuffle: yes\n"),
       "p.yaml:11:14: step \"t\": shuffle must be true or false, not \"yes\""},
      {"not a choice",
       with_steps("  p: {type: prepare, target: a, format: cvs, inputs: {data: \"${{inputs.flights}}\"}}\n"),
       "p.yaml:6:41: step \"p\": format must be csv or idx, not \"cvs\" (did you mean \"csv\"?)"},
      {"text a mapping", with_steps("  p: {type: prepare, target: {a: b}}\n"),
       "p.yaml:6:30: step \"p\": target must be text, not a mapping"},
      {"not a list", with_steps("  c: {type: command, command: echo hi}\n"),
       "p.yaml:6:31: step \"c\": command must be a list, not \"echo hi\""},
      {"list empty", with_steps("  c: {type: command, command: []}\n"),
       "p.yaml:6:31: step \"c\": command must not be empty"},
      {"list element", with_steps("  c:\n    type: command\n    command: [a, [b]]\n"),
       "p.yaml:8:18: step \"c\": command[1] must be text, not a list"},
      {"map value", with_steps("  p: {type: prepare, target: a, splits: {train: 0.8, test: 2}}\n"),
       "p.yaml:6:60: step \"p\": splits.test must be a number between 0 and 1, not 2"},
      {"map a list", with_steps("  p: {type: prepare, target: a, splits: [train]}\n"),
       "p.yaml:6:41: step \"p\": splits must be a mapping of names to values, not a list"},
      {"object unknown key", train(start + "    checkpoint: {evry: 3}\n"),
       "p.yaml:11:18: step \"t\": unknown key \"evry\" in checkpoint (did you mean \"every\"?)"},
      {"object a scalar", train(start + "    checkpoint: 3\n"),
       "p.yaml:11:17: step \"t\": checkpoint must be a mapping of keys to values, not 3"},
      {"variant without type", train("    type: train\n    model: {hidden: [3]}\n"),
       "p.yaml:9:12: step \"t\": missing key \"type\" in model (mlp or cnn)"},
      {"variant unknown", train("    type: train\n    model: {type: nlp}\n"),
       "p.yaml:9:19: step \"t\": model.type must be mlp or cnn, not \"nlp\" (did you mean \"mlp\"?)"},
      {"variant unknown key", train("    type: train\n    model: {type: mlp, hiden: [3]}\n"),
       "p.yaml:9:24: step \"t\": unknown key \"hiden\" in model (did you mean \"hidden\"?)"},
      {"variant missing key", train("    type: train\n    model: {type: mlp}\n"),
       "p.yaml:9:12: step \"t\": missing key \"hidden\" in model"},
      {"variant a scalar", train("    type: train\n    model: mlp\n"),
       "p.yaml:9:12: step \"t\": model must be a mapping with a key \"type\", not \"mlp\""},
      {"the type's own check", train(start + "    epochs: 13\n"),
       "p.yaml:7:3: step \"t\": epochs is unlucky. Try: another number"},
  });
}

TEST(BadPipelines, CommonKeys) {
  expect_messages({
      // Common keys
      {"ranks zero", train(start + "    resources: {ranks: 0}\n"),
       "p.yaml:11:24: step \"t\": resources.ranks must be \"all\" or an integer between 1 and 1000000, not "
       "0"},
      {"ranks negative", train(start + "    resources: {ranks: -1}\n"),
       "p.yaml:11:24: step \"t\": resources.ranks must be \"all\" or an integer between 1 and 1000000, not "
       "-1"},
      {"ranks a word", train(start + "    resources: {ranks: al}\n"),
       "p.yaml:11:24: step \"t\": resources.ranks must be \"all\" or an integer between 1 and 1000000, not "
       "\"al\""},
      {"resources unknown key", train(start + "    resources: {rank: 2}\n"),
       "p.yaml:11:17: step \"t\": unknown key \"rank\" in resources (did you mean \"ranks\"?)"},
      {"reuse not a boolean", train(start + "    reuse: never\n"),
       "p.yaml:11:12: step \"t\": reuse must be true or false, not \"never\""},
      {"after unknown", train(start + "    after: [q, pp]\n"),
       "p.yaml:11:13: step \"t\": after: no step \"q\" in this pipeline"},
      {"after itself", train(start + "    after: t\n"),
       "p.yaml:11:12: step \"t\": after: this is the step itself"},
      {"outputs where they are fixed", train(start + "    outputs: [a]\n"),
       "p.yaml:11:5: step \"t\": unknown key \"outputs\"; there are type, description, inputs, after, "
       "resources, reuse, access, publish_to, epochs, learning_rate, shuffle, batch, model, checkpoint, "
       "notes"},
  });
}

TEST(BadPipelines, Bindings) {
  expect_messages({
      // Inputs of steps, bindings
      {"unknown step input",
       train("    type: train\n    inputs: {trian: \"${{steps.p.outputs.train}}\"}\n" + model),
       "p.yaml:9:14: step \"t\": a train step has no input \"trian\" (did you mean \"train\"?)"},
      {"missing step input", train("    type: train\n" + model),
       "p.yaml:7:3: step \"t\": missing input \"train\": a dataset"},
      {"input not a binding", train("    type: train\n    inputs: {train: data/train}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train must be ${{inputs.NAME}} or ${{steps.STEP.outputs.NAME}}, and "
       "maybe a /path below it, not \"data/train\""},
      {"input with text before",
       train("    type: train\n    inputs: {train: \"x${{inputs.flights}}\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train must be ${{inputs.NAME}} or ${{steps.STEP.outputs.NAME}}, and "
       "maybe a /path below it, not \"x${{inputs.flights}}\""},
      {"input climbing out",
       train("    type: train\n    inputs: {train: \"${{inputs.flights}}/../x\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train must be ${{inputs.NAME}} or ${{steps.STEP.outputs.NAME}}, and "
       "maybe a /path below it, not \"${{inputs.flights}}/../x\""},
      {"input its own output",
       train("    type: train\n    inputs: {train: \"${{outputs.model}}\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train must be ${{inputs.NAME}} or ${{steps.STEP.outputs.NAME}}, and "
       "maybe a /path below it, not \"${{outputs.model}}\""},
      {"unknown input", train("    type: train\n    inputs: {train: \"${{inputs.flight}}\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train: no input \"flight\" in this pipeline (did you mean "
       "\"flights\"?)"},
      {"unknown parameter", train(start + "    epochs: ${{parameters.epoch}}\n"),
       "p.yaml:11:13: step \"t\": no parameter \"epoch\" in this pipeline (did you mean \"epochs\"?)"},
      {"unknown source step",
       train("    type: train\n    inputs: {train: \"${{steps.prep.outputs.train}}\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train: no step \"prep\" in this pipeline"},
      {"unknown output",
       train("    type: train\n    inputs: {train: \"${{steps.p.outputs.trian}}\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train: step \"p\" has no output \"trian\" (did you mean \"train\"?)"},
      {"output of itself",
       train("    type: train\n    inputs: {train: \"${{steps.t.outputs.model}}\"}\n" + model),
       "p.yaml:9:21: step \"t\": inputs.train: ${{steps.t.outputs.model}} is of this step itself"},
      {"binding unclosed", command("[a, \"${{inputs.flights\"]"),
       "p.yaml:9:18: step \"c\": \"${{inputs.flights\" lacks its closing \"}}\""},
      {"binding unquoted", command("[a, ${{inputs.flights}}]"),
       "p.yaml:9:19: not YAML: did not find expected ',' or ']' (inside [ ] and { } a binding must be in "
       "quotes: \"${{…}}\")"},
      {"binding unknown form", command("[a, \"--in=${{input.flights}}\"]"),
       "p.yaml:9:24: step \"c\": \"${{input.flights}}\" is not a binding (did you mean \"inputs\"?)"},
      {"binding without outputs", command("[a, \"${{steps.p.train}}\"]"),
       "p.yaml:9:18: step \"c\": \"${{steps.p.train}}\" is not a binding (did you mean "
       "\"${{steps.p.outputs.train}}\"?)"},
      {"undeclared own output", command("[a, \"x ${{outputs.copi}}\"]"),
       "p.yaml:9:21: step \"c\": command[1]: this step has no output \"copi\" (did you mean \"copy\"?)"},
      {"path where none is taken", train(start + "    notes: [\"${{inputs.flights}}\"]\n"),
       "p.yaml:11:13: step \"t\": notes takes no ${{inputs.flights}}, only ${{parameters.NAME}}"},
      {"path for an integer", train(start + "    epochs: ${{inputs.flights}}\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not \"${{inputs.flights}}\""},
      {"binding in a key",
       with_steps("  c: {type: command, command: [a], env: {\"${{parameters.epochs}}\": x}}\n"),
       "p.yaml:6:42: step \"c\": the key \"${{parameters.epochs}}\" can't hold a binding"},
      {"list inside text", command("[a, \"n=${{parameters.layers}}\"]"),
       "p.yaml:9:21: step \"c\": parameter \"layers\" is a list, which can't stand inside other text"},
      {"parameter of the wrong type", train(start + "    epochs: ${{parameters.layers}}\n"),
       "p.yaml:4:33: step \"t\": epochs must be an integer between 1 and 100, not a list"},
      {"parameter inside text for an integer", train(start + "    epochs: ${{parameters.epochs}}0\n"),
       "p.yaml:11:13: step \"t\": epochs must be an integer between 1 and 100, not \"30\""},
      {"output name", with_steps("  c: {type: command, command: [a], outputs: [../x]}\n"),
       "p.yaml:6:45: step \"c\": an output's name has letters, digits, \"_\" and \"-\" only, at most 100 and "
       "no \"-\" at the start; not \"../x\""},
      {"output twice", with_steps("  c: {type: command, command: [a], outputs: [x, x]}\n"),
       "p.yaml:6:45: step \"c\": there are two outputs \"x\""},
  });
}

TEST(BadPipelines, Cycles) {
  expect_messages({
      // Cycles
      {"cycle of two",
       with_steps("  z: {type: command, command: [a]}\n  a: {type: command, command: [a], after: b}\n  b: "
                  "{type: command, command: [a], after: [a, z]}\n"),
       "p.yaml:7:3: steps need each other in a cycle: a → b → a (each needs the next)"},
      {"cycle by data",
       with_steps("  a: {type: command, command: [a, \"${{steps.c.outputs.o}}\"], outputs: [o]}\n  b: {type: "
                  "command, command: [a, \"${{steps.a.outputs.o}}\"], outputs: [o]}\n  c: {type: command, "
                  "command: [a], inputs: {x: \"${{steps.b.outputs.o}}\"}, outputs: [o]}\n"),
       "p.yaml:6:3: steps need each other in a cycle: a → c → b → a (each needs the next)"},
  });
}

}  // namespace
}  // namespace rankflow::bad_pipelines
