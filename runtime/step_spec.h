// What a step type *is*: its name, version, keys, inputs and outputs. Plain data, known to the planner and
// the documents; what the step *does* is a `Step` (step.h) with the same name.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "runtime/field.h"

namespace rankflow {

struct InputSpec {
  std::string name;
  std::string help;
  bool required = true;
  /// What an output has to be that is bound to it (OutputSpec::kind); "": anything.
  std::string kind = {};
};

/// Kinds of outputs that steps ask for, as messages name them.
constexpr const char* model_kind = "model";
constexpr const char* dataset_kind = "prepared dataset";

struct OutputSpec {
  std::string name;
  std::string help;
  /// What it is, for people; "": nobody knows, so that it may be anything (command).
  std::string kind = {};
};

struct StepSpec {
  std::string type;
  /// Counts up whenever the same parameters and inputs may give other bytes than before: part of the
  /// fingerprint.
  int version = 1;
  std::string help;
  Fields fields;                  // the type's own keys, beside the common ones (pipeline.h)
  std::vector<InputSpec> inputs;  // keys of `inputs:`
  bool any_inputs = false;        // `inputs:` may hold any names (command)
  /// Outputs for validated parameters (they may depend on them: a prepare step has one per split).
  std::function<std::vector<OutputSpec>(const Json& parameters)> outputs;
  std::string outputs_help;  // the same for the documents
  int default_ranks = 0;     // 0: all
  /// Runs the program in its key `command`: program, `code`, `hash` and `env` become part of the fingerprint.
  bool runs_program = false;
  /// Reads inputs in object stores where they are: such an input is a URL instead of a path, and the parameter `remote_inputs`
  /// has its io/location.h by its name. Others are staged as paths first.
  bool reads_remote = false;
  /// Keys that say where files go, {path: …} or {url: …}: a path may be one in a datastore, and is replaced by what that is.
  std::vector<std::string> places;
  /// The inputs that may have changed since an earlier run of which single files are taken over (StepContext::earlier); a step has to
  /// have one of them.
  std::vector<std::string> by_file = {};
  /// Whether the number of ranks is part of the fingerprint for these parameters.
  std::function<bool(const Json& parameters)> depends_on_ranks = [](const Json&) { return false; };
  /// Why a step with these parameters can't use a GPU, for people; "" where it can.
  std::function<std::string(const Json& parameters)> cpu_only = [](const Json&) {
    return std::string("steps of this type run on the CPU");
  };
  /// Why it needs one; "" where it does not.
  std::function<std::string(const Json& parameters)> cuda_only = [](const Json&) { return std::string(); };
  /// Further checks that tables can't express; throws Error (configuration), shown at the step's place.
  std::function<void(const Json& parameters)> check = [](const Json&) {};
  /// The same about which inputs (their names) there are.
  std::function<void(const Json& parameters, const std::set<std::string>& inputs)> check_inputs =
      [](const Json&, const std::set<std::string>&) {};
};

/// "is a X; it has to be a Y": why the output `output` of a step of the type `source` can't be what `input` of another wants; "" where it may be.
std::string wrong_kind(const InputSpec& input, const StepSpec& source, const Json& parameters,
                       const std::string& output);

/// The step types a program knows, by name.
class StepSpecs {
 public:
  explicit StepSpecs(std::vector<StepSpec> specs);
  const StepSpec* find(const std::string& type) const;
  const std::vector<StepSpec>& all() const { return specs_; }
  std::vector<std::string> names() const;

 private:
  std::vector<StepSpec> specs_;
};

}  // namespace rankflow
