// Checkpoints of a training on disk: the newest few are kept, so that a damaged one has one before it. A checkpoint is one
// file of named tensors and a JSON text; or, where each rank has a part of the state, a set: a file of tensors from each rank,
// and one without tensors that names them. That one is written last and makes the set a checkpoint.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/tensors.h"

namespace rankflow {

struct CheckpointFile {
  std::string path;
  TensorFile content;  // attributes: format, configuration, progress; and of a set what commit() was given
};

/// A part of a set is the file part-<step>-<set>-<rank>-of-<ranks>.h5 beside it.
struct CheckpointPart {
  std::int64_t step;
  std::string set;  // a name that no other set has
  int rank, ranks;

  std::string file_name() const;
};

class Checkpoints {
 public:
  /// `configuration`: what a checkpoint must have been made with to be of use. `folder` is made when the
  /// first is saved. The newest `kept` (from 1) stay.
  Checkpoints(std::string folder, Json configuration, std::size_t kept = 2);

  /// Writes checkpoint-<step>.h5 (atomically), then removes those that do not stay. By one rank.
  void save(std::int64_t step, const std::vector<NamedTensor>& tensors, const Json& progress);
  /// Writes one part of a set. Not a checkpoint before commit(). By the rank that has it.
  void save_part(const CheckpointPart& part, const std::vector<NamedTensor>& tensors);
  /// Writes checkpoint-<step>.h5, which makes a checkpoint of a set whose parts are all on disk, then removes those that do
  /// not stay, with their parts. `about`: attributes beside the usual ones. By one rank.
  void commit(std::int64_t step, const std::string& set, Json about, const Json& progress);

  /// The newest usable one; with `before`, a path, the newest usable one of those older than that. Those that can't be read or
  /// are of another training are passed over, each with a line in `notes`. Parts of sets are not looked at.
  /// By one rank.
  std::optional<CheckpointFile> newest(std::vector<std::string>& notes, const std::string& before = "") const;
  /// Throws Error (bad_data), naming the file, where it is missing, damaged or of another set. By any rank.
  TensorFile read_part(const CheckpointPart& part) const;

 private:
  std::vector<std::string> files(std::string_view prefix) const;
  Json attributes(const Json& progress) const;
  void clean(std::int64_t step, const std::string& set) const;

  std::string folder_;
  Json configuration_;
  std::size_t kept_;
};

}  // namespace rankflow
