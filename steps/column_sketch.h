// What a profile says of one column, from one run over its values, in little memory, and the same bytes whatever the number of
// ranks: counts, extremes, quantiles, histogram, distinct values and the most frequent ones.
//
// Everything but mean and deviation is made of sums of integers, minima and maxima, which do not depend on order; those two are
// kept for each fixed block of rows and merged in the blocks' order (column_statistics.h).
// Quantiles and histogram: bins of equal relative width, as in DDSketch (Masson, Rim, Lee, VLDB 2019), cut by the leading bits of the
// floating point number instead of a logarithm, of which as many count as 4,096 bins allow, but at least ten. Each bin keeps its least
// and greatest value. So up to 4,096 distinct values and integers below 2,048 are exact, others within 0.1 %, and where the spread
// is small against the values (times, coordinates) they are told apart by more bits. A set of values has one such number of bits:
// a part of it never needs fewer, hence the same bins whatever the parts. Distinct values: those with the smallest hashes
// (Bar-Yossef et al., RANDOM 2002), exact up to a limit.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/json.h"
#include "steps/column_moments.h"

namespace rankflow {

/// Values of a column that lie near each other.
struct ColumnBin {
  std::int64_t count = 0;
  double least = 0, greatest = 0;
};

class ColumnSketch {
 public:
  void add_missing(std::int64_t times = 1) { missing_ += times; }
  /// NaN is missing.
  void add(double value);
  /// Integers that a double can't tell apart stay distinct.
  void add(std::int64_t value);
  void add(std::string_view text, std::int64_t times = 1);
  /// The rows of a fixed block are done.
  void end_block();
  /// Takes in another rank's sketch, whose blocks come after those of this one.
  void merge(const ColumnSketch& later);

  /// For another rank.
  Json state() const;
  static ColumnSketch from_state(const Json& state);

  /// {count, missing, distinct, distinct_exact, and of numbers min, max, mean, std, zeros, negative, infinite, quantiles: {"0.5": …},
  /// histogram: {edges, counts}; of texts shortest, longest (characters are bytes); top: [{value, count}] where all distinct
  /// values are known}. `bins`: equally wide ones of the histogram; `top`: how many values.
  Json summary(int bins, int top) const;

 private:
  struct Text {
    std::string text;
    std::int64_t count = 0;
  };

  void note_hash(std::uint64_t hash);
  void count_number(double value);
  ColumnBin& add_to_bin(double value);
  void coarsen();
  void keep_few_bins();
  ColumnBin& add_to_bin(std::int64_t key, const ColumnBin& bin);
  void add_text(std::uint64_t hash, std::string_view text, std::int64_t times);
  std::vector<ColumnBin> sorted_bins() const;
  void numbers_summary(Json& out, int bins, int top) const;
  Json top_numbers(const std::vector<ColumnBin>& sorted, int top) const;
  void texts_summary(Json& out, int top) const;

  std::int64_t missing_ = 0, numbers_ = 0, zeros_ = 0, negative_ = 0, infinite_ = 0, texts_ = 0;
  std::size_t shortest_ = SIZE_MAX, longest_ = 0;
  bool wide_ = false;  // there are integers that a double can't tell apart
  std::int64_t least_integer_ = INT64_MAX, greatest_integer_ = INT64_MIN;  // of those
  ColumnMoments block_;
  std::vector<ColumnMoments> blocks_;
  int bits_ = 52;  // of the mantissa that tell bins apart
  std::unordered_map<std::int64_t, ColumnBin> bins_;
  std::map<std::uint64_t, Text> hashes_;  // the smallest; of numbers only wide integers have their text
  bool hashes_cut_ = false;               // there were more
  double last_ = 0;                       // the number added last
  ColumnBin* last_bin_ = nullptr;         // its bin
};

}  // namespace rankflow
