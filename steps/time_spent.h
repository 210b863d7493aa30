// What a rank's time goes into while it trains.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace rankflow {

struct TimeSpent {
  double total = 0, input = 0, communication = 0;  // seconds; the latter two: waiting, part of total
  std::int64_t rows = 0;                           // of global batches, all ranks

  TimeSpent operator-(const TimeSpent& before) const {
    return {total - before.total, input - before.input, communication - before.communication,
            rows - before.rows};
  }
  double samples_per_second() const { return total > 0 ? static_cast<double>(rows) / total : 0; }
};

/// Adds the time from construction to destruction.
class Stopwatch {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds), began_(monotonic_seconds()) {}
  ~Stopwatch() { seconds_ += monotonic_seconds() - began_; }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& seconds_;
  double began_;
};

}  // namespace rankflow
