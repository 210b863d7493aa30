#include "steps/read_ahead.h"

#include <algorithm>
#include <utility>

namespace rankflow {

ReadAhead::ReadAhead(const Dataset& data, std::vector<ShuffleWindow> windows)
    : data_(data), windows_(std::move(windows)) {
  if (!windows_.empty()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void ReadAhead::reach(std::int64_t position) {
  if (windows_.empty()) return;
  const std::lock_guard lock(mutex_);
  position_ = std::max(position_, position);
  changed_.notify_one();
}

void ReadAhead::work(const std::stop_token& stop) {
  std::int64_t before = 0;  // where the window before the next one begins
  for (const ShuffleWindow& window : windows_) {
    std::int64_t position;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return position_ >= before; })) return;
      position = position_;
    }
    before = window.positions.begin;
    if (window.positions.end <= position) continue;  // the training goes on from a checkpoint behind it
    for (const Range& piece : window.pieces) {
      if (stop.stop_requested()) return;
      data_.will_need(piece);
    }
  }
}

}  // namespace rankflow
