// Has the disk bring a windowed shuffle's next window while the one before is trained on.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "io/dataset.h"
#include "steps/batches.h"

namespace rankflow {

class ReadAhead {
 public:
  /// Keeps a reference to `data`. Has a thread where there are windows: a disk with a full queue makes wait who asks it.
  ReadAhead(const Dataset& data, std::vector<ShuffleWindow> windows);
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  /// Rows from `position` of the epoch's order on are wanted now: their window and the next are asked for. From any thread.
  void reach(std::int64_t position);

 private:
  void work(const std::stop_token& stop);

  const Dataset& data_;
  const std::vector<ShuffleWindow> windows_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::int64_t position_ = -1;
  std::jthread thread_;
};

}  // namespace rankflow
