// Waiting for messages without burning a core: pauses that grow from 50 us to 5 ms while nothing comes.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace rankflow {

class Backoff {
 public:
  void reset() { pause_ = shortest; }
  void wait() {
    std::this_thread::sleep_for(pause_);
    pause_ = std::min(pause_ * 3 / 2, longest);
  }

 private:
  static constexpr std::chrono::microseconds shortest{50}, longest{5000};
  std::chrono::microseconds pause_ = shortest;
};

}  // namespace rankflow
