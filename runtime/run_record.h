// Runs on disk: runs/<id>/ and the few functions that write and read them. The coordinator is the only
// writer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "io/store.h"
#include "runtime/git_state.h"

namespace rankflow {

/// "20261120-213510-flights-7f3a": UTC, so that it sorts by time; the last digits are random.
std::string new_run_id(const std::string& pipeline_name);

/// run.json: {format, run, pipeline, pipeline_file (absolute), pipeline_digest, status, exit, started,
/// seconds, ranks, hosts, command_line, git: {commit, dirty}, versions: {rankflow, …}, attempts,
/// inputs: {name: {path, reference, dataset, content}} (runtime/input_resolution.h),
/// order: [names of the steps, as the pipeline orders them],
/// steps: {name: {status, decision, reasons, fingerprint, ingredients, labels, run (that made it),
///                outputs: {o: digest}, seconds, ranks, hosts, rows, metrics, message,
///                published: {o: {to, path, artifact, copied, or problem}}}}}
class RunRecord {
 public:
  /// Claims a new run's directory by mkdir(2), under an id that nobody else has. Throws Error (io,
  /// permission).
  static RunRecord create(Store& store, const std::string& pipeline_name);
  /// Creates runs/<id>/, or opens it again (a restart: what run.json says is kept, a damaged one starts
  /// empty), and makes it the latest. Folders inside are created by whoever writes there. Throws Error (io,
  /// permission; usage where `id` can't be a run's).
  RunRecord(Store& store, std::string id);

  const std::string& id() const { return id_; }
  const RunLayout& layout() const { return layout_; }
  const StoreLayout& store() const { return store_; }
  Json& json() { return json_; }
  const Json& json() const { return json_; }
  /// Writes run.json atomically, one line per key and per step; without fsync unless `durable`.
  void save(bool durable);

 private:
  std::string id_;
  StoreLayout store_;
  RunLayout layout_;
  Json json_;
};

/// Newest first. Damaged records are left out, so every run.json is read: for many runs, load_runs costs no
/// more.
std::vector<std::string> list_runs(const StoreLayout& layout);
/// The records of at most `limit` runs, newest first; damaged ones are left out.
std::vector<Json> load_runs(const StoreLayout& layout, std::size_t limit);
/// A full id, a unique prefix, or "latest". Throws Error: usage naming what there is, io where the record is
/// damaged.
Json load_run(const StoreLayout& layout, const std::string& id);
/// Digest of the output `wanted`, "STEP.OUTPUT" (both names may hold dots), in a run's record. Throws Error (usage) naming the
/// outputs there are.
std::string output_digest(const Json& record, const std::string& wanted);
/// The newest run of the same pipeline file (by absolute path) whose record has `step` with ingredients.
std::optional<Json> newest_run_with_step(const StoreLayout& layout, const std::string& pipeline_file,
                                         const std::string& step);

}  // namespace rankflow
