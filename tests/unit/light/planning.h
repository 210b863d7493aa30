// A pipeline and a disk made by hand, so that planning is tested without files.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/sha256.h"
#include "runtime/plan.h"

namespace rankflow::planning {

/// A disk in memory. What was not put there is missing.
class VirtualDisk : public PlanDisk {
 public:
  std::map<std::string, ActionRecord> records;           // by fingerprint
  std::map<std::string, std::string> damaged;            // fingerprint → problem
  std::map<std::string, std::string> files;              // path → content
  std::map<std::string, std::string> programs;           // "NAME in SEARCH_PATH" or "FOLDER/NAME" → path
  std::map<std::string, std::vector<std::string>> code;  // pattern → files
  std::map<std::string, std::string> variables;
  int digests_made = 0;

  std::optional<ActionRecord> find_usable(const std::string& fingerprint, std::string* problem) override {
    if (const auto bad = damaged.find(fingerprint); bad != damaged.end()) {
      *problem = bad->second;
      return std::nullopt;
    }
    return lookup(records, fingerprint);
  }
  std::string content_digest(const std::string& path) override {
    ++digests_made;
    const auto content = lookup(files, path);
    if (!content) throw Error(ExitStatus::io, path + " does not exist");
    return sha256(*content);
  }
  std::string content_digest(const Selection& selection) override {
    std::string all;
    for (const auto& member : selection.members) all += member.name + content_digest(member.path);
    return sha256(all);
  }
  std::string remote_digest(const Location& location) override {
    ++digests_made;
    const auto listing = lookup(files, location.url);
    if (!listing) throw Error(ExitStatus::io, location.url + " can't be listed");
    return sha256(*listing);
  }
  std::string find_program(const std::string& name, const std::string& folder,
                           const std::string& search_path) override {
    const bool by_path = name.find('/') != std::string::npos;
    return lookup(programs, by_path ? folder + "/" + name : name + " in " + search_path).value_or("");
  }
  std::vector<std::string> find_files(const std::string& pattern, const std::string&, bool) override {
    return lookup(code, pattern).value_or(std::vector<std::string>{});
  }
  std::optional<std::string> environment(const std::string& name) override { return lookup(variables, name); }

 private:
  template <typename T>
  static std::optional<T> lookup(const std::map<std::string, T>& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? std::nullopt : std::optional<T>(found->second);
  }
};

/// Type `make`: keys `epochs`, `log_every`, which is not hashed, and `threshold`, which only judges.
inline StepSpec make_spec() {
  StepSpec spec;
  spec.type = "make";
  spec.fields = {Field{.name = "epochs"}, not_hashed(Field{.name = "log_every"}),
                 judging(Field{.name = "threshold"})};
  return spec;
}

/// Type `command`, whose results depend on the number of ranks with `per_rank`.
inline StepSpec program_spec() {
  StepSpec spec;
  spec.type = "command";
  spec.runs_program = true;
  spec.depends_on_ranks = [](const Json& parameters) { return parameters.value("per_rank", false); };
  spec.cpu_only = [](const Json&) { return std::string(); };
  return spec;
}

inline PipelineStep step(std::string name, const StepSpec& spec, Json parameters,
                         std::map<std::string, std::string> inputs, std::vector<std::size_t> needs) {
  PipelineStep s;
  s.name = std::move(name);
  s.type = spec.type;
  s.spec = &spec;
  s.parameters = std::move(parameters);
  s.inputs = std::move(inputs);
  s.outputs = {"out"};
  s.needs = std::move(needs);
  return s;
}

inline Json make_keys() {
  return {{"epochs", 3}, {"log_every", 10}};
}

/// Input `data` → prepare → train → evaluate, and `data` → report.
struct Example {
  StepSpec make = make_spec();
  StepSpec program = program_spec();
  Pipeline pipeline;
  VirtualDisk disk;

  Example() {
    pipeline.name = "example";
    pipeline.folder = "/project";
    pipeline.inputs = {{"data", "/data/flights", "", {}}};
    pipeline.steps = {
        step("prepare", make, make_keys(), {{"data", "${{inputs.data}}"}}, {}),
        step("train", make, make_keys(), {{"data", "${{steps.prepare.outputs.out}}/train"}}, {0}),
        step("evaluate", make, make_keys(), {{"model", "${{steps.train.outputs.out}}"}}, {1}),
        step("report", make, make_keys(), {{"data", "${{inputs.data}}"}}, {})};
    pipeline.steps[3].parameters["epochs"] = 0;
    disk.files["/data/flights"] = "rows";
  }
  Example(const Example&) = delete;
  Example& operator=(const Example&) = delete;

  PipelineStep& at(const std::string& name) { return pipeline.steps[pipeline.index_of(name)]; }
};

/// Runs what is to be run: each step's output becomes the digest of its fingerprint, or what `gives` says,
/// and its record goes to the disk. Returns the names of the steps that ran, in order.
inline std::vector<std::string> carry_out(Planner& planner, VirtualDisk& disk,
                                          const std::map<std::string, std::string>& gives = {}) {
  planner.decide();
  std::vector<std::string> ran;
  for (std::size_t i = 0; i < planner.steps().size(); ++i) {
    if (planner.steps()[i].decision != Decision::run) continue;
    const std::string& name = planner.pipeline().steps[i].name;
    ActionRecord record;
    record.fingerprint = planner.steps()[i].fingerprint;
    record.run = "run-1";
    const auto given = gives.find(name);
    record.outputs["out"] = given == gives.end() ? sha256("made by " + record.fingerprint) : given->second;
    disk.records[record.fingerprint] = record;
    disk.damaged.erase(record.fingerprint);
    planner.finished(i, record.outputs);
    ran.push_back(name);
  }
  return ran;
}

}  // namespace rankflow::planning
