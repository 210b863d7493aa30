// Decides by measurement whether gradients are reduced by a thread of their own: passes take both ways by
// turns, and the medians of their times are compared. Pure, so that it is tested without ranks.
#pragma once

#include <array>
#include <vector>

namespace rankflow {

class OverlapTrial {
 public:
  /// The first passes warm up caches and connections.
  static constexpr int warm_up = 4, passes_each = 8;
  /// A thread that saves less than this part of a pass is not worth a core.
  static constexpr double least_gain = 0.02;

  /// Which way the next pass takes.
  bool threaded() const { return pass_ % 2 == 1; }
  /// What that pass took, in seconds, from the end of one reduction to the end of the next. True when the
  /// trial is over.
  bool add(double seconds);
  /// Median seconds of a pass: inline, threaded. Only once the trial is over.
  std::array<double, 2> medians() const;
  /// Whether the thread pays, from medians that all ranks agreed on.
  static bool pays(const std::array<double, 2>& medians) {
    return medians[1] < medians[0] * (1 - least_gain);
  }

 private:
  int pass_ = 0;
  std::array<std::vector<double>, 2> seconds_;
};

}  // namespace rankflow
