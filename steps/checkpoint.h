// Checkpoints of a training: files of named tensors and a JSON text, the newest few kept, so that a damaged one
// has one before it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "steps/tensors.h"

namespace rankflow {

class Checkpoints {
 public:
  /// `configuration`: what a checkpoint must have been made with to be of use. `folder` is made when the
  /// first is saved. The newest `kept` (from 1) stay.
  Checkpoints(std::string folder, Json configuration, std::size_t kept = 2);

  /// Writes checkpoint-<step>.h5 (atomically), then removes those that do not stay. By one rank.
  void save(std::int64_t step, const std::vector<NamedTensor>& tensors, const Json& progress);

  /// Copies the newest usable checkpoint into `tensors` and returns its progress; nullopt where there is
  /// none. Those that can't be read or are of another training are passed over, each with a line in `notes`.
  /// By one rank.
  std::optional<Json> restore(const std::vector<NamedTensor>& tensors, std::vector<std::string>& notes) const;

 private:
  std::vector<std::string> newest_first() const;

  std::string folder_;
  Json configuration_;
  std::size_t kept_;
};

}  // namespace rankflow
