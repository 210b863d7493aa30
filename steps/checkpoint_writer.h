// Writes checkpoints behind training: what a checkpoint holds is copied, and a thread brings the copy to disk while training
// goes on.
#pragma once

#include <cstdint>
#include <future>
#include <vector>

#include "steps/checkpoint.h"

namespace rankflow {

class CheckpointWriter {
 public:
  /// Keeps a reference.
  explicit CheckpointWriter(Checkpoints& checkpoints) : checkpoints_(checkpoints) {}

  /// Copies `tensors` and returns. Where the checkpoint before is still being written it waits for it first: memory for one
  /// copy, and checkpoints that are wanted faster than the disk takes them slow training down. Throws what writing the
  /// one before threw.
  void save(std::int64_t step, const std::vector<NamedTensor>& tensors, const Json& progress);
  /// Returns when everything is on disk. Throws what writing threw.
  void finish();

 private:
  Checkpoints& checkpoints_;
  std::vector<NamedTensor> copies_;
  std::future<void> writing_;  // last: its destructor waits for the thread, which reads the others
};

}  // namespace rankflow
