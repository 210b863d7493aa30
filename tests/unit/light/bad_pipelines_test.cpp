// Wrong pipeline files and the exact message that each gives: the file, its inputs and parameters, and what
// the command line changes.
#include "tests/unit/light/bad_pipelines.h"

namespace rankflow::bad_pipelines {
namespace {

TEST(BadPipelines, File) {
  expect_messages({
      // The file
      {"empty", "",
       "p.yaml:1:1: the file is empty; a pipeline has at least one step under the key \"steps\""},
      {"only comments", "# later\n",
       "p.yaml:1:1: the file is empty; a pipeline has at least one step under the key \"steps\""},
      {"a list", "- a\n- b\n", "p.yaml:1:1: a pipeline is a mapping with the key \"steps\", not a list"},
      {"just text", "hello\n", "p.yaml:1:1: a pipeline is a mapping with the key \"steps\", not \"hello\""},
      {"syntax", "name: [a\nsteps: 3\n",
       "p.yaml:2:6: not YAML: did not find expected ',' or ']', while parsing a flow sequence that starts on "
       "line 1"},
      {"tab", "steps:\n\ta: 1\n",
       "p.yaml:2:1: not YAML: found character that cannot start any token (YAML is indented with spaces: "
       "this is a tab)"},
      {"two documents", "steps: {}\n---\nsteps: {}\n",
       "p.yaml:2:1: a second document starts here; a file holds one"},
      {"not UTF-8", "name: a\nsteps: \xc3\x28\n", "p.yaml:2:1: this line is not UTF-8"},
      {"tag", "name: !secret x\n",
       "p.yaml:1:7: the tag \"!secret\" is not supported: types follow from the keys"},
      {"duplicate key", "name: a\nname: b\n",
       "p.yaml:2:1: the key \"name\" stands here twice (first on line 1)"},
      {"merge key", "x: &x {a: 1}\nsteps:\n  a:\n    <<: *x\n",
       "p.yaml:4:5: merge keys (<<) are not supported; write the keys out"},
      {"unknown top key", "name: a\nstpes: {}\n",
       "p.yaml:2:1: unknown key \"stpes\" (did you mean \"steps\"?)"},
      {"no steps", "name: a\n", "p.yaml:1:1: missing key \"steps\""},
      {"steps null", "name: a\nsteps:\n", "p.yaml:2:7: no value for the key \"steps\""},
      {"steps empty", "name: a\nsteps: {}\n", "p.yaml:2:8: a pipeline has at least one step"},
      {"steps a list", "steps:\n  - type: train\n",
       "p.yaml:2:3: steps must be a mapping of names to steps, not a list"},
      {"bad pipeline name", "name: ../a\nsteps: {a: {type: train}}\n",
       "p.yaml:1:7: name must have letters, digits, \"_\", \"-\" and \".\" only, not \"../a\""},
      {"long pipeline name", "name: " + std::string(101, 'a') + "\nsteps: {a: {type: train}}\n",
       "p.yaml:1:7: name has 101 characters; at most 100 are taken"},
      {"name a list", "name: [a]\nsteps: {a: {type: train}}\n", "p.yaml:1:7: name must be text, not a list"},
  });
}

TEST(BadPipelines, Inputs) {
  expect_messages({
      // Inputs
      {"inputs a list", "inputs: [a]\nsteps: {a: {type: train}}\n",
       "p.yaml:1:9: inputs must be a mapping of names to paths, not a list"},
      {"input an empty list", "inputs: {a: []}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:13: input \"a\": the list is empty. Try: at least one path"},
      {"input a list of mappings", "inputs: {a: [b, {path: c}]}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:17: input \"a\": path[1] must be text, not a mapping"},
      {"input unknown key", "inputs: {a: {pth: b}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:14: input \"a\": unknown key \"pth\" (did you mean \"path\"?)"},
      {"input empty path", "inputs: {a: \"\"}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:13: input \"a\": the path is empty"},
      {"input name", "inputs: {a/b: c}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:10: an input's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" at "
       "the start; not \"a/b\""},
      {"input binds an input", "inputs: {a: b, c: \"${{inputs.a}}/d\"}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:19: input \"c\": path takes no ${{inputs.a}}, only ${{parameters.NAME}}"},
      {"--input unknown",
       with_steps("  a: {type: train}\n"),
       "--input flihgts=x: no input \"flihgts\" in this pipeline (did you mean \"flights\"?)",
       {{}, {{"flihgts", "x"}}}},
      {"--input empty",
       with_steps("  a: {type: train}\n"),
       "--input flights=: the path is empty",
       {{}, {{"flights", ""}}}},
  });
}

TEST(BadPipelines, Parameters) {
  expect_messages({
      // Parameters
      {"parameters a list", "parameters: [a]\nsteps: {a: {type: train}}\n",
       "p.yaml:1:13: parameters must be a mapping of names to values, not a list"},
      {"parameter name", "parameters: {a.b: 1}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:14: a parameter's name has letters, digits, \"_\" and \"-\" only, at most 100 and no \"-\" "
       "at the start; not \"a.b\""},
      {"parameter without value", "parameters:\n  a: {description: needed}\nsteps: {a: {type: train}}\n",
       "p.yaml:2:3: parameter \"a\" has no value; give one with --set a=VALUE"},
      {"parameter out of range", "parameters: {a: {default: 7, max: 5}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:27: parameter \"a\" must be an integer of at most 5, not 7"},
      {"parameter not a choice",
       "parameters: {a: {default: smal, choices: [small, large]}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:27: parameter \"a\" must be small or large, not \"smal\" (did you mean \"small\"?)"},
      {"parameter unknown key", "parameters: {a: {default: 7, mx: 5}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:30: parameter \"a\": unknown key \"mx\" (did you mean \"max\"?)"},
      {"parameter wrong type", "parameters: {a: {default: x, type: integer}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:27: parameter \"a\" must be an integer, not \"x\""},
      {"parameter range of text",
       "parameters: {a: {default: x, type: text, min: 1}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:17: parameter \"a\": min and max are for integers and numbers"},
      {"parameter range upside down",
       "parameters: {a: {default: 3, min: 5, max: 1}}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:17: parameter \"a\": min is greater than max"},
      {"parameter binds", "parameters: {a: 1, b: \"${{parameters.a}}\"}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:23: parameter \"b\" can't hold a binding"},
      {"parameter not finite", "parameters: {a: [1, .nan]}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:21: a number must be finite, not .nan"},
      {"parameter too large", "parameters: {a: 92233720368547758070}\nsteps: {a: {type: train}}\n",
       "p.yaml:1:17: the integer 92233720368547758070 doesn't fit into 64 bits"},
  });
}

TEST(BadPipelines, Settings) {
  expect_messages({
      // --set
      {"--set unknown parameter",
       with_steps("  a: {type: train}\n"),
       "--set epohcs=3: no parameter \"epohcs\" in this pipeline (did you mean \"epochs\"?)",
       {{{"epohcs", "3"}}, {}}},
      {"--set a step's key without the step",
       "steps: {t: {type: train, epochs: 3}}\n",
       "--set epochs=4: no parameter \"epochs\" in this pipeline (did you mean --set t.epochs=VALUE?)",
       {{{"epochs", "4"}}, {}}},
      {"--set unknown step",
       train(start),
       "--set tt.epochs=3: no step or parameter \"tt\" in this pipeline (did you mean \"t\"?)",
       {{{"tt.epochs", "3"}}, {}}},
      {"--set unknown named step",
       train(start),
       "--set steps.q.epochs=3: no step \"q\" in this pipeline",
       {{{"steps.q.epochs", "3"}}, {}}},
      {"--set unknown named parameter",
       train(start),
       "--set parameters.epoch=3: no parameter \"epoch\" in this pipeline (did you mean \"epochs\"?)",
       {{{"parameters.epoch", "3"}}, {}}},
      {"--set unknown key",
       train(start),
       "--set t.epoch=3: step \"t\": unknown key \"epoch\" (did you mean \"epochs\"?)",
       {{{"t.epoch", "3"}}, {}}},
      {"--set a whole step",
       train(start),
       "--set t=3: \"t\" is a step: write --set t.KEY=VALUE",
       {{{"t", "3"}}, {}}},
      {"--set out of range",
       train(start),
       "--set t.epochs=0: step \"t\": epochs must be an integer between 1 and 100, not 0",
       {{{"t.epochs", "0"}}, {}}},
      {"--set a parameter out of range",
       train(start + "    epochs: ${{parameters.epochs}}\n"),
       "--set epochs=0: step \"t\": epochs must be an integer between 1 and 100, not 0",
       {{{"epochs", "0"}}, {}}},
      {"--set not YAML",
       train(start),
       "--set t.epochs=[1: not YAML: did not find expected ',' or ']', while parsing a flow sequence that "
       "starts on line 1",
       {{{"t.epochs", "[1"}}, {}}},
      {"--set below a scalar",
       train(start),
       "--set t.type.x=1: there is no key \"x\" below \"train\"",
       {{{"t.type.x", "1"}}, {}}},
      {"--set past a list",
       with_steps("  c: {type: command, command: [a]}\n"),
       "--set c.command.1=b: no entry \"1\" in a list of 1 (they count from 0)",
       {{{"c.command.1", "b"}}, {}}},
      {"--set without a name",
       train(start),
       "--set t..x=1: a setting is NAME=VALUE or STEP.KEY=VALUE",
       {{{"t..x", "1"}}, {}}},
  });
}

}  // namespace
}  // namespace rankflow::bad_pipelines
