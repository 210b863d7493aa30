// What a profile says of one column, from one run over its values, in little memory, and the same bytes whatever the number of
// ranks: counts, extremes, quantiles, histogram, distinct values and the most frequent ones.
//
// Everything but mean and deviation is made of sums of integers, minima and maxima, which do not depend on order; those two are
// kept for each fixed block of rows and merged in the blocks' order (column_statistics.h).
// Quantiles: bins of equal relative width, as in DDSketch (Masson, Rim, Lee, VLDB 2019), cut by the leading bits of the floating
// point number instead of a logarithm; each keeps its least and greatest value, so that integers below 2,048 are exact and
// others within 0.1 %. Distinct values: those with the smallest hashes (Bar-Yossef et al., RANDOM 2002), exact up to a limit.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "io/json.h"
#include "steps/column_statistics.h"

namespace rankflow {

class ColumnSketch {
 public:
  void add_missing(std::int64_t times = 1) { missing_ += times; }
  /// NaN is missing.
  void add(double value);
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
  struct Bin {
    std::int64_t count = 0;
    double least = 0, greatest = 0;
  };
  struct Text {
    std::string text;
    std::int64_t count = 0;
  };

  void note_hash(std::uint64_t hash);
  void add_to_bin(std::int64_t key, const Bin& bin);
  void add_text(std::uint64_t hash, std::string_view text, std::int64_t times);
  void numbers_summary(Json& out, int bins, int top) const;
  void texts_summary(Json& out, int top) const;

  std::int64_t missing_ = 0, numbers_ = 0, zeros_ = 0, negative_ = 0, infinite_ = 0, texts_ = 0;
  std::size_t shortest_ = SIZE_MAX, longest_ = 0;
  Moments block_;
  std::vector<Moments> blocks_;
  std::unordered_map<std::int64_t, Bin> bins_;
  std::map<std::uint64_t, Text> hashes_;  // the smallest; of numbers without text
  bool hashes_cut_ = false;               // there were more
  double last_ = 0;                       // the number added last
  Bin* last_bin_ = nullptr;               // its bin
};

}  // namespace rankflow
