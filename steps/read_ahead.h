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

  /// Rows at these positions of the epoch's order are wanted now: their windows and the next are asked for. From any thread.
  void reach(Range positions);

 private:
  bool ask_for(const Range& rows, const std::stop_token& stop) const;
  void work(const std::stop_token& stop);

  const Dataset& data_;
  const std::vector<ShuffleWindow> windows_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Range wanted_{0, 0};
  std::jthread thread_;
};

}  // namespace rankflow
