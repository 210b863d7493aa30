// Every path in a store, in one place: read this to know what lies on disk.
//
//   actions/<aa>/<fingerprint>.json      → digests of the outputs, and the run that made them
//   artifacts/<aa>/<digest>/data/…       the output's files
//   artifacts/<aa>/<digest>/manifest.json  their sizes and SHA-256; written last; its own SHA-256 is <digest>
//   artifacts/<aa>/<digest>/producer.json  who made it, when (not part of the digest)
//   checkpoints/<aa>/<digest>/…          of unfinished steps; <digest>: Fingerprint::work
//   damaged/<digest>.<unique>/           artifacts set aside because their bytes are wrong
//   predecessors/<aa>/<digest>.json      what later runs with other files may take over (runtime/predecessor.h)
//   datasets/<name>/<version>/version.json  a registered dataset: what it names, its content, where it came from
//   datasets/<name>/<version>/files.json    its files with sizes and SHA-256
//   datasets/<name>/<version>/tags/<key>, description.txt   for people; may be changed later
//   profiles/<name>-<version>.yaml       the pipeline that profiles a registered dataset
//   staged/<aa>/<digest>/<name>/data/<name>  an input from an object store or the web; staged.json beside data: its files' stamps
//   selections/<aa>/<digest>/files/…     links to what a glob or a list names (selection.h); selection.json beside files
//   runs/<run id>/run.json               one run: status, a record of each step, versions
//   runs/<run id>/pipeline.json          the resolved pipeline
//   runs/<run id>/plan.json              what was to run and why
//   runs/<run id>/logs/<step>/rank-<r>.log
//   runs/<run id>/logs/launcher.log, rank-<r>.log
//   runs/<run id>/metrics.jsonl
//   runs/<run id>/timeline.json
//   tmp/<unique>[.<run id>]/                        being written; same file system as artifacts/
//
// Modes, whatever the umask: folders 02775 (a group shares the store, new files keep its group, any member
// can remove or set aside), records and logs 0664, an artifact's files 0444 or 0555 (nobody changes them once
// published). A store that everyone may write to (o+w without the sticky bit) is refused: anyone could put
// results into it.
#pragma once

#include <string>

namespace rankflow {

struct StoreLayout {
  std::string root;

  std::string actions() const { return root + "/actions"; }
  std::string action(const std::string& fingerprint) const {
    return root + "/actions/" + fingerprint.substr(0, 2) + "/" + fingerprint + ".json";
  }
  std::string artifacts() const { return root + "/artifacts"; }
  std::string artifact(const std::string& digest) const {
    return root + "/artifacts/" + digest.substr(0, 2) + "/" + digest;
  }
  std::string artifact_data(const std::string& digest) const { return artifact(digest) + "/data"; }
  std::string manifest(const std::string& digest) const { return artifact(digest) + "/manifest.json"; }
  std::string producer(const std::string& digest) const { return artifact(digest) + "/producer.json"; }
  std::string checkpoints() const { return root + "/checkpoints"; }
  std::string checkpoints(const std::string& work) const {
    return root + "/checkpoints/" + work.substr(0, 2) + "/" + work;
  }
  std::string staged(const std::string& digest) const {
    return root + "/staged/" + digest.substr(0, 2) + "/" + digest;
  }
  std::string selection(const std::string& digest) const {
    return root + "/selections/" + digest.substr(0, 2) + "/" + digest;
  }
  std::string predecessor(const std::string& family) const {
    return root + "/predecessors/" + family.substr(0, 2) + "/" + family + ".json";
  }
  std::string damaged() const { return root + "/damaged"; }
  std::string datasets() const { return root + "/datasets"; }
  std::string dataset(const std::string& name) const { return root + "/datasets/" + name; }
  std::string profile_pipeline(const std::string& dataset, int version) const {
    return root + "/profiles/" + dataset + "-" + std::to_string(version) + ".yaml";
  }
  std::string temporary() const { return root + "/tmp"; }
  std::string runs() const { return root + "/runs"; }
  std::string run(const std::string& id) const { return root + "/runs/" + id; }
  std::string latest_run() const { return root + "/runs/latest"; }  // text file: a run id
};

/// Paths inside datasets/<name>/<version>/.
struct DatasetVersionLayout {
  std::string root;

  std::string record() const { return root + "/version.json"; }
  std::string files() const { return root + "/files.json"; }
  std::string description() const { return root + "/description.txt"; }
  std::string tags() const { return root + "/tags"; }
  std::string tag(const std::string& key) const { return root + "/tags/" + key; }
};

/// Paths inside runs/<run id>/.
struct RunLayout {
  std::string root;

  std::string record() const { return root + "/run.json"; }
  std::string pipeline() const { return root + "/pipeline.json"; }
  std::string plan() const { return root + "/plan.json"; }
  std::string logs() const { return root + "/logs"; }
  std::string step_logs(const std::string& step) const { return root + "/logs/" + step; }
  std::string step_log(const std::string& step, int rank) const {
    return step_logs(step) + "/rank-" + std::to_string(rank) + ".log";
  }
  std::string rank_log(int rank) const { return root + "/logs/rank-" + std::to_string(rank) + ".log"; }
  std::string launcher_log() const { return root + "/logs/launcher.log"; }
  std::string metrics() const { return root + "/metrics.jsonl"; }
  std::string timeline() const { return root + "/timeline.json"; }
};

}  // namespace rankflow
