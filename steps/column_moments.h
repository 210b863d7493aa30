// Mean, deviation and extremes of doubles of any magnitude. Squares of numbers above 1e154 overflow, and those below 1e-162
// vanish: such are summed up divided by a power of two, which is exact. For all others the result has the bits of Moments.
#pragma once

#include <limits>

#include "steps/column_statistics.h"

namespace rankflow {

class ColumnMoments {
 public:
  /// `value` is finite.
  void add(double value);
  /// Both sets together; the result depends on the order of the sets (column_statistics.h).
  void merge(const ColumnMoments& later);

  std::int64_t count() const { return scaled_.count; }
  double mean() const;
  /// Of the population; 0 where there is no value.
  double standard_deviation() const;
  double minimum() const { return minimum_; }
  double maximum() const { return maximum_; }

  /// [count, mean, m2, exponent, minimum, maximum], for another rank.
  std::vector<double> state() const;
  static ColumnMoments from_state(const std::vector<double>& state);

 private:
  void rescale(int exponent);

  Moments scaled_;       // of the values divided by 2^exponent_
  int exponent_ = tiny;  // grows with the greatest magnitude seen
  double minimum_ = std::numeric_limits<double>::infinity();
  double maximum_ = -std::numeric_limits<double>::infinity();

  static constexpr int tiny = -700, huge = 700;
};

}  // namespace rankflow
