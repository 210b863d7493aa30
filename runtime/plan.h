// Planning: which steps run, which are reused, and why. Pure: it looks at the world through `PlanDisk` only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/explain.h"
#include "runtime/fingerprint.h"
#include "runtime/pipeline.h"
#include "runtime/plan_disk.h"

namespace rankflow {

enum class Decision {
  reuse,      // the outputs are there
  run,        // must run
  undecided,  // depends on what an earlier step will give
  leave,  // not selected: --only, or --from without --only, which leaves out what has nothing to do with it
};
const char* name(Decision d);

struct PlannedStep {
  Decision decision = Decision::undecided;
  std::vector<std::string>
      reasons;  // for people: "no earlier result", "forced by --force", "after prepare, which runs"
  std::string fingerprint;       // "" while undecided
  std::string work;              // Fingerprint::work
  std::string family;            // Fingerprint::family
  Json ingredients;              // what the fingerprint is the SHA-256 of (fingerprint.h)
  Json labels = Json::object();  // names for people of what stands in the ingredients as digests; not hashed
  std::optional<ActionRecord> record;  // reuse: what is reused
  std::string damage;   // run: what was wrong with the earlier result's files; "" where nothing was
  bool afresh = false;  // run: as it was asked for, taking nothing over from an earlier run
  std::map<std::string, std::string> outputs;  // output → digest, once known
};

struct PlanOptions {
  std::vector<std::string> only;  // these steps and what they need
  std::vector<std::string>
      from;  // these steps and all that follow run again; what comes before is reused if it can be
  std::vector<std::string> force;  // run again even where unchanged
  bool force_all = false;
  int ranks = 1;               // world size: part of the fingerprint of steps that depend on it
  std::string device = "cpu";  // what `device: auto` means (runtime/device.h)
};

/// Decides step by step; the executor feeds it the outputs of steps as they finish, so that a step whose
/// inputs came out the same is reused (early cut-off).
class Planner {
 public:
  /// Throws Error (usage) where options name steps that don't exist or that other options leave out.
  /// `pipeline` and `disk` must outlive it.
  Planner(const Pipeline& pipeline, PlanDisk& disk, PlanOptions options);

  const Pipeline& pipeline() const { return pipeline_; }
  const PlanOptions& options() const { return options_; }
  const std::vector<PlannedStep>& steps() const { return steps_; }
  /// Decides every step that can be decided now, and checks the others as far as can be. Throws Error: io
  /// where an input file is missing, configuration where an input has no path, a program or code can't be
  /// found, or a step that may run asks for more ranks than there are. Idempotent.
  void decide();
  /// Step `index` gave these outputs (or was found to be reusable after all); decides what follows from it.
  /// Returns the indices newly decided, ascending. Throws as decide() does.
  std::vector<std::size_t> finished(std::size_t index, const std::map<std::string, std::string>& outputs);
  bool nothing_to_do() const;
  /// Digest of what lies at a path, as this plan's fingerprints have it.
  const std::string& content_at(const std::string& path) { return fingerprinter_.content_at(path); }
  /// That this still lies there. Throws Error (bad_data, io).
  void check_unchanged(const std::string& path) { fingerprinter_.check_unchanged(path); }
  /// What stands for the content of a remote input.
  const std::string& remote_digest(const PipelineInput& input) { return fingerprinter_.remote_digest(input); }

 private:
  struct State {
    bool selected = true;
    std::string forced;           // why it runs whatever the store has; "" where it is not forced
    std::size_t waiting_for = 0;  // steps it needs whose outputs are not known
    bool known = false;           // its outputs are
    std::vector<std::size_t> followers;
  };

  void select();
  void force();
  void force_from();
  std::size_t named(const std::string& step, const char* option) const;
  void settle(std::size_t index);
  void look_up(std::size_t index);
  void postpone(std::size_t index);
  void mark_known(std::size_t index);

  const Pipeline& pipeline_;
  PlanDisk& disk_;
  PlanOptions options_;
  Fingerprinter fingerprinter_;
  std::unordered_map<std::string, std::size_t> index_;  // by step name
  std::vector<State> states_;
  std::vector<PlannedStep> steps_;
};

/// The plan as JSON (`rankflow plan --json`, runs/<id>/plan.json).
Json plan_json(const Planner& planner);

}  // namespace rankflow
