// Quantiles of a column over all ranks, the same bits whatever their number: each piece of the table is summed up by some of its
// values, evenly spaced in their order, with the number of rows that each stands for. A piece with few different values is kept
// exactly (up to 16,384 in a table of up to 61 pieces, from 1,024 down to 16 in larger ones); otherwise a quantile is off by at most half the rows that one value stands for, in each piece: less than 0.05 % of
// the rows for tables of up to 4,000 pieces.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "collectives/communicator.h"

namespace rankflow {

class ColumnQuantiles {
 public:
  /// How many values may stand for a piece of a table of so many pieces.
  static std::int64_t points_for(std::int64_t pieces);

  /// One piece's values, in any order; NaN is left out.
  void add(std::vector<double> values, std::int64_t points);
  /// Joins what all ranks added. Collective.
  void finish(Communicator& comm);

  bool empty() const { return points_.empty(); }
  /// The smallest value that at least the fraction `q` of the rows do not exceed; after finish().
  double at(double q) const;
  /// The same, interpolated between two rows where `q` falls between them, as numpy.quantile, pandas and polars do by default.
  double interpolated(double q) const;

 private:
  struct Point {
    double value = 0;
    double rows = 0;
  };
  /// The value of the row at this place in the order, from 0.
  double value_at(double row) const;

  std::vector<Point> points_;
};

}  // namespace rankflow
