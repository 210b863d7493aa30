// Writes checkpoints behind training: what a checkpoint holds is copied, and a thread brings the copy to disk while training
// goes on.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <vector>

#include "steps/tensors.h"

namespace rankflow {

class CheckpointWriter {
 public:
  using Write = std::function<void(const std::vector<NamedTensor>& copies)>;

  /// Copies `tensors` and returns; a thread calls `write`, which is kept until it has returned. Where what was begun before
  /// is still being written it waits for it first: memory for one copy, and checkpoints that are wanted faster than
  /// the disk takes them slow training down. Throws what writing the one before threw.
  void save(const std::vector<NamedTensor>& tensors, Write write);
  /// The same without tensors.
  void run(std::function<void()> write);
  /// Returns when everything is on disk. Throws what writing threw.
  void finish();
  /// Whether everything is on disk. False after a failure, too, until finish() has told it.
  bool done() const { return done_; }

 private:
  std::vector<NamedTensor> copies_;
  std::atomic<bool> done_{true};
  std::future<void> writing_;  // last: its destructor waits for the thread, which reads the others
};

}  // namespace rankflow
