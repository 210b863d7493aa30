#include "steps/column_moments.h"

#include <algorithm>
#include <cmath>

namespace rankflow {
namespace {

// Between these magnitudes squares neither overflow, in sums of 2^60 of them, nor lose bits.
constexpr double smallest_plain = 0x1p-400, greatest_plain = 0x1p400;

}  // namespace

void ColumnMoments::rescale(int exponent) {
  const int change = exponent_ - exponent;
  scaled_.mean = std::ldexp(scaled_.mean, change);
  scaled_.m2 = std::ldexp(scaled_.m2, 2 * change);
  exponent_ = exponent;
}

void ColumnMoments::add(double value) {
  const double magnitude = std::abs(value);
  if (exponent_ != huge && magnitude > greatest_plain)
    rescale(huge);
  else if (exponent_ == tiny && magnitude > smallest_plain)
    rescale(0);
  minimum_ = std::min(minimum_, value);
  maximum_ = std::max(maximum_, value);
  scaled_.add(exponent_ == 0 ? value : std::ldexp(value, -exponent_));
}

void ColumnMoments::merge(const ColumnMoments& later) {
  ColumnMoments other = later;
  if (exponent_ < other.exponent_) rescale(other.exponent_);
  if (other.exponent_ < exponent_) other.rescale(exponent_);
  scaled_ = rankflow::merge(scaled_, other.scaled_);
  minimum_ = std::min(minimum_, other.minimum_);
  maximum_ = std::max(maximum_, other.maximum_);
}

double ColumnMoments::mean() const {
  return std::clamp(std::ldexp(scaled_.mean, exponent_), minimum_, maximum_);
}

double ColumnMoments::standard_deviation() const {
  // Of values at both ends of the doubles' range it is the greatest double, which rounding may pass.
  return std::min(std::ldexp(scaled_.standard_deviation(), exponent_), std::numeric_limits<double>::max());
}

std::vector<double> ColumnMoments::state() const {
  return {static_cast<double>(scaled_.count), scaled_.mean, scaled_.m2,
          static_cast<double>(exponent_),     minimum_,     maximum_};
}

ColumnMoments ColumnMoments::from_state(const std::vector<double>& state) {
  ColumnMoments out;
  out.scaled_.count = static_cast<std::int64_t>(state.at(0));
  out.scaled_.mean = state.at(1);
  out.scaled_.m2 = state.at(2);
  out.exponent_ = static_cast<int>(state.at(3));
  out.minimum_ = state.at(4);
  out.maximum_ = state.at(5);
  return out;
}

}  // namespace rankflow
