#include "steps/read_ahead.h"

#include <algorithm>
#include <utility>

namespace rankflow {
namespace {

constexpr std::int64_t asked_at_once = std::int64_t{4} << 20;  // bytes

}  // namespace

ReadAhead::ReadAhead(const Dataset& data, std::vector<ShuffleWindow> windows)
    : data_(data), windows_(std::move(windows)) {
  if (!windows_.empty()) thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
}

void ReadAhead::reach(Range positions) {
  if (windows_.empty()) return;
  const std::lock_guard lock(mutex_);
  wanted_ = positions;
  changed_.notify_one();
}

/// False where it is to stop: a disk with a full queue takes a piece only as fast as it reads.
bool ReadAhead::ask_for(const Range& rows, const std::stop_token& stop) const {
  const std::int64_t at_once =
      std::max<std::int64_t>(1, asked_at_once / static_cast<std::int64_t>(data_.info().row_bytes()));
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += at_once) {
    if (stop.stop_requested()) return false;
    data_.will_need({begin, std::min(rows.end, begin + at_once)});
  }
  return true;
}

void ReadAhead::work(const std::stop_token& stop) {
  std::int64_t before = 0;  // where the window before the next one begins
  for (const ShuffleWindow& window : windows_) {
    std::int64_t behind;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return wanted_.end > before; })) return;
      behind = wanted_.begin;
    }
    before = window.positions.begin;
    if (window.positions.end <= behind) continue;  // the training goes on from a checkpoint after it
    for (const Range& piece : window.pieces) {
      if (!ask_for(piece, stop)) return;
    }
  }
}

}  // namespace rankflow
