// What the coordinator and the ranks tell each other: JSON texts with a key "kind".
//
//   to a rank:           assign (a WorkOrder), commit {id}: all ranks of the group succeeded, end the
//   communicator
//                        and, on its first rank, publish; cancel {id}: another rank of the group failed;
//                        recall {id}: give it back if it has not begun; stop; quit
//   to the coordinator:  fetched {id}: its inputs from elsewhere are in the store, finished {id, rank, ok, …},
//                        helper_gone {id, rank}: this rank can start no program any more (runtime/spawner_gone.h),
//                        published {id, ok, outputs, …}, recalled {id}, stop: this rank got a signal,
//                        sync_failed {rank, error}, progress, metric, note,
//                        heartbeat {rank, step, calls: where it stands in the collectives (runtime/watchdog.h)}, timeline {rank, events}
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/json.h"
#include "runtime/site.h"

namespace rankflow {

/// An input that is read from a copy on the node's own disk.
struct Download {
  enum class Kind {
    path,      // a file or folder
    artifact,  // of a store
    fetched    // from an object store, a web server or a database (RemoteInput) to the store
  };
  std::string source;  // where it lies for all nodes
  std::string
      digest;  // a path's content; the artifact's own; what stands for the content of what was fetched
  Kind kind = Kind::path;
  std::string store;  // the artifact's: the store's folder
};

/// An input of a step that lies on no path yet.
struct RemoteInput {
  Json location;       // io/location.h
  std::string digest;  // what stands for its content in fingerprints
};

/// One step for one group of ranks, with nothing left to look up.
struct WorkOrder {
  int id = 0;  // of this execution; also the tag of its communicator
  std::string step, type;
  Json parameters;                            // bound
  std::map<std::string, std::string> inputs;  // name → path
  std::vector<std::string> read_in_place;  // those of the paths that others may write to while the step reads
  std::vector<RemoteInput> remote;         // what those paths need first
  std::map<std::string, std::string> outputs;  // name → staging directory (Staging::path())
  std::vector<int> ranks;                      // world ranks, ascending
  std::vector<Download> downloads;             // what the marks in parameters and inputs stand for (bind.h)
  DownloadRules download_rules;
  std::string fingerprint;
  std::string family;   // of runs that differ in some inputs' content (runtime/predecessor.h); "": none
  bool afresh = false;  // nothing is taken over from an earlier one
  std::string checkpoints, log_folder, folder;
  Json producer;               // goes to producer.json
  std::string device = "cpu";  // or cuda
  int attempt = 1;
};

Json to_json(const WorkOrder& a);
WorkOrder work_order_from_json(const Json& j);

/// An error as it travels, and back as an Error with the same status, message and hint.
Json to_json(const Error& e);
Error error_from_json(const Json& j);

}  // namespace rankflow
