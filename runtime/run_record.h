// Runs on disk: runs/<id>/ and the few functions that write and read them. The coordinator is the only writer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/store.h"
#include "runtime/pipeline.h"
#include "runtime/plan.h"

namespace rankflow {

/// "20261120-213510-flights-7f3a": sorts by time, is unique (the name is claimed by mkdir).
std::string new_run_id(const std::string& pipeline_name);

/// run.json: {format, run, pipeline, pipeline_file, pipeline_digest, status, exit, started, seconds, ranks, hosts,
/// command_line, git: {commit, dirty}, versions: {rankflow, …}, attempts,
/// steps: {name: {status, decision, reasons, fingerprint, ingredients, labels, run (that made it), outputs: {o: digest},
///                seconds, ranks, hosts, rows, metrics, message}}}
class RunRecord {
 public:
  /// Creates runs/<id>/, or opens it again (a restart), and makes it the latest.
  RunRecord(Store& store, std::string id);

  const std::string& id() const { return id_; }
  const RunLayout& layout() const { return layout_; }
  Json& json() { return json_; }
  const Json& json() const { return json_; }
  /// Writes run.json atomically; without fsync unless `durable`.
  void save(bool durable);

 private:
  std::string id_;
  RunLayout layout_;
  Json json_;
};

/// Newest first. Damaged records are left out.
std::vector<std::string> list_runs(const StoreLayout& layout);
/// A full id, a unique prefix, or "latest". Throws Error (usage) naming what there is.
Json load_run(const StoreLayout& layout, const std::string& id);
/// The newest run of the same pipeline file (by absolute path) whose record has `step` with ingredients.
std::optional<Json> newest_run_with_step(const StoreLayout& layout, const std::string& pipeline_file,
                                         const std::string& step);
/// {commit, dirty} of the work tree that holds `folder`; null where there is none or no git.
Json git_state(const std::string& folder);

}  // namespace rankflow
