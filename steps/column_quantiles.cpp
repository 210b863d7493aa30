#include "steps/column_quantiles.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace rankflow {

std::int64_t ColumnQuantiles::points_for(std::int64_t pieces) {
  const std::int64_t share = std::max<std::int64_t>(pieces, 1);
  return std::max(std::clamp<std::int64_t>(4'000'000 / share, 16, 1024),
                  std::min<std::int64_t>(1'000'000 / share, 16'384));
}

void ColumnQuantiles::add(std::vector<double> values, std::int64_t points) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  std::sort(values.begin(), values.end());
  std::vector<Point> exact;
  for (const double v : values) {
    if (exact.empty() || exact.back().value != v) exact.push_back({v, 0});
    exact.back().rows += 1;
  }
  if (static_cast<std::int64_t>(exact.size()) <= points) {
    points_.insert(points_.end(), exact.begin(), exact.end());
    return;
  }
  const auto n = static_cast<double>(values.size()), k = static_cast<double>(points);
  for (std::int64_t i = 0; i < points; ++i)
    points_.push_back({values[static_cast<std::size_t>((static_cast<double>(i) + 0.5) * n / k)], n / k});
}

void ColumnQuantiles::finish(Communicator& comm) {
  points_ = comm.all_gather_vector<Point>(points_);
  std::sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) {
    return a.value != b.value ? a.value < b.value : a.rows < b.rows;
  });
}

double ColumnQuantiles::at(double q) const {
  if (points_.empty()) throw Error(ExitStatus::internal, "quantiles of no values");
  double all = 0, reached = 0;
  for (const Point& p : points_) all += p.rows;
  for (const Point& p : points_) {
    reached += p.rows;
    if (reached >= q * all) return p.value;
  }
  return points_.back().value;
}

double ColumnQuantiles::interpolated(double q) const {
  if (points_.empty()) throw Error(ExitStatus::internal, "quantiles of no values");
  double all = 0;
  for (const Point& p : points_) all += p.rows;
  const double place = q * (all - 1), whole = std::floor(place);
  const double below = value_at(whole), above = value_at(whole + 1);
  return place == whole ? below : below + (place - whole) * (above - below);
}

double ColumnQuantiles::value_at(double row) const {
  double before = 0;
  for (const Point& p : points_) {
    before += p.rows;
    if (before > row) return p.value;
  }
  return points_.back().value;
}

}  // namespace rankflow
