// Planning: which steps run, which are reused, and why. Pure: it looks at the world through `PlanDisk` only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/store.h"
#include "runtime/pipeline.h"

namespace rankflow {

/// What planning asks of the disk; tests answer from memory.
class PlanDisk {
 public:
  virtual ~PlanDisk() = default;
  /// The usable record of a fingerprint (outputs whole); `problem` says what was wrong with a damaged one.
  virtual std::optional<ActionRecord> find_usable(const std::string& fingerprint, std::string* problem) = 0;
  /// Digest of a file or folder. Throws Error (io) naming it where it is missing.
  virtual std::string content_digest(const std::string& path) = 0;
  /// Absolute path of a program found by PATH or relative to `folder`; "" where there is none.
  virtual std::string find_program(const std::string& name, const std::string& folder) = 0;
  /// Files below `folder` named by a path or glob, less those that .rankflowignore/.gitignore exclude; sorted,
  /// relative to `folder`.
  virtual std::vector<std::string> find_code(const std::string& pattern, const std::string& folder) = 0;
  virtual std::optional<std::string> environment(const std::string& name) = 0;
};

std::unique_ptr<PlanDisk> make_plan_disk(Store& store, FileMemory& memory);

enum class Decision {
  reuse,      // the outputs are there
  run,        // must run
  undecided,  // depends on what an earlier step will give
  leave,      // not selected (--only, --from)
};
const char* name(Decision d);

struct PlannedStep {
  Decision decision = Decision::undecided;
  std::vector<std::string> reasons;    // for people: "no earlier result", "parameter epochs: 3 → 5", "forced"
  std::string fingerprint;             // "" while undecided
  Json ingredients;                    // what the fingerprint is the SHA-256 of (canonical dump)
  Json labels = Json::object();        // names for people of what stands in the ingredients as digests; not hashed
  std::optional<ActionRecord> record;  // reuse: what is reused
  std::map<std::string, std::string> outputs;  // output → digest, once known
};

struct PlanOptions {
  std::vector<std::string> only;   // these steps and what they need
  std::vector<std::string> from;   // these steps and all that follow run again; what comes before is reused if it can be
  std::vector<std::string> force;  // run again even where unchanged
  bool force_all = false;
  int ranks = 1;                   // world size: part of the fingerprint of steps that depend on it
  std::string device = "cpu";
};

/// Decides step by step; the executor feeds it the outputs of steps as they finish, so that a step whose inputs came out
/// the same is reused (early cut-off).
class Planner {
 public:
  /// Throws Error (usage) where options name steps that don't exist.
  Planner(const Pipeline& pipeline, PlanDisk& disk, PlanOptions options);

  const Pipeline& pipeline() const { return pipeline_; }
  const std::vector<PlannedStep>& steps() const { return steps_; }
  /// Decides every step that can be decided now. Throws Error where an input file is missing (io) or has no path
  /// (configuration); idempotent.
  void decide();
  /// Step `index` gave these outputs (or was found to be reusable after all); decides what follows from it.
  /// Returns the indices newly decided.
  std::vector<std::size_t> finished(std::size_t index, const std::map<std::string, std::string>& outputs);
  bool nothing_to_do() const;

 private:
  bool decide_step(std::size_t index);
  const Pipeline& pipeline_;
  PlanDisk& disk_;
  PlanOptions options_;
  std::vector<PlannedStep> steps_;
};

/// What changed between the ingredients of two runs of a step, one line each: "parameter epochs: 3 → 5",
/// "input data: content changed (12ab… → 34cd…)", "code train.py: changed", "step type version 1 → 2".
std::vector<std::string> explain_change(const Json& before, const Json& before_labels, const Json& now,
                                        const Json& now_labels);

/// The plan as JSON (`rankflow plan --json`, runs/<id>/plan.json).
Json plan_json(const Planner& planner);

}  // namespace rankflow
