// A pipeline, parsed and validated: from here on every name exists, every value has its type, and there is no
// cycle.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "io/json.h"
#include "io/location.h"
#include "io/selection.h"
#include "runtime/site.h"
#include "runtime/step_spec.h"
#include "runtime/yaml.h"

namespace rankflow {

/// A path, or a glob of paths, as an input names it.
struct InputPath {
  std::string path;       // absolute, or "" where the reference alone says it
  std::string reference;  // "scratch:flights/*.csv"; "" where it is not in a datastore

  const std::string& written() const { return reference.empty() ? path : reference; }
};

struct PipelineInput {
  std::string name;
  std::string path;  // absolute, or "" where neither the file nor --input gives one
  std::string description;
  Mark mark;  // of the option, where --input gave another
  // What resolve_inputs() (input_resolution.h) turns into a path: "dataset:flights@latest", "scratch:flights/2001.csv"; "" where the
  // path itself was given.
  std::string reference;
  std::string dataset;    // the version that a dataset's reference stands for: "flights:3"
  std::string content;    // digest that this version's files must still have
  bool download = false;  // steps read a copy on their node's own disk
  std::optional<Location> remote = std::nullopt;  // where it comes from instead of a path
  std::vector<InputPath> paths = {};              // of a glob or a list; none: `path` says it
  bool list = false;
  std::optional<Selection> selection =
      std::nullopt;  // what resolve_inputs() found these to be; `path` is its folder
};

struct PipelineStep {
  std::string name;
  std::string type;
  std::string description;
  const StepSpec* spec = nullptr;
  Json parameters;                            // the type's keys, complete; only bindable texts hold "${{"
  std::map<std::string, std::string> inputs;  // input name → one binding to a path, and maybe "/a/path/below"
  std::vector<std::string> outputs;           // names
  std::vector<std::size_t> needs;  // indices of steps that come first: by bindings and `after`, sorted
  int ranks = 0;                   // 0: all
  std::string device = "auto";     // or cpu, cuda (runtime/device.h)
  bool reuse = true;
  bool download = false;                          // of all inputs
  std::map<std::string, std::string> publish_to;  // output → "DATASTORE:path"
  // output → what this is, once resolve_inputs() looked it up: a folder, or in an object store
  std::map<std::string, std::string> publish_paths;
  std::map<std::string, Location> publish_locations;
  Mark mark;
};

struct Pipeline {
  std::string name;
  std::string description;
  std::string file;    // as the user gave it
  std::string folder;  // absolute; relative paths in the file start here
  std::vector<PipelineInput> inputs;
  DownloadRules downloads;  // of the site
  Json parameters = Json::object();
  std::vector<PipelineStep>
      steps;  // in an order in which every step comes after those it needs; else file order

  const PipelineStep* find(const std::string& step) const;
  std::size_t index_of(const std::string& step) const;  // throws Error (usage), did you mean …?
  const PipelineInput* find_input(const std::string& name) const;
  /// Makes the look-ups above fast; the loading functions below have done it.
  void index_names();

 private:
  std::unordered_map<std::string, std::size_t> step_index_, input_index_;
};

/// What the command line changes: `--set name=value` (a pipeline parameter), `--set step.key=value` (a step's
/// key, as deep as it goes; the value is YAML), `--input name=path` (relative to the working directory).
struct Overrides {
  std::vector<std::pair<std::string, std::string>> set;
  std::vector<std::pair<std::string, std::string>> inputs;
};

/// Throws ConfigError at the first thing that is wrong. Reads no input data; missing input files are found by
/// planning. `specs` must outlive the pipeline, whose steps point into it.
Pipeline load_pipeline(const std::string& path, const StepSpecs& specs, const Overrides& overrides = {});
/// The same for a text that is taken to stand in the file `path`, which need not exist.
Pipeline parse_pipeline(const std::string& text, const std::string& path, const StepSpecs& specs,
                        const Overrides& overrides = {});

/// The keys every step has (type, description, inputs, after, resources, reuse), the file's top level, and
/// the long form of an input.
Fields common_step_fields();
Fields pipeline_fields();
Fields pipeline_input_fields();

/// JSON Schema of the whole pipeline format.
Json pipeline_json_schema(const StepSpecs& specs);
/// The reference part of docs/pipeline.md.
std::string pipeline_reference_markdown(const StepSpecs& specs);

/// The pipeline as JSON, complete, as runs keep it; and back (ranks receive it this way: rank 0 alone reads
/// the file). pipeline_from_json throws Error (bad_data) where the JSON is damaged or names a step type that
/// `specs` lacks.
Json to_json(const Pipeline& pipeline);
Pipeline pipeline_from_json(const Json& json, const StepSpecs& specs);

}  // namespace rankflow
