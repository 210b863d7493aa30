#include "steps/score_counts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace rankflow {
namespace {

/// Bits after the point: scores that differ by less than 1e-12 are the same.
constexpr int fraction = 40;
constexpr std::int64_t highest = std::int64_t{1} << 62;

std::int64_t finest_step(double score) {
  const double scaled = std::ldexp(score, fraction);
  if (!(scaled > -static_cast<double>(highest))) return -highest;
  return scaled < static_cast<double>(highest) ? static_cast<std::int64_t>(std::floor(scaled)) : highest;
}

}  // namespace

ScoreCounts::ScoreCounts(std::size_t most) : most_(most) {}

void ScoreCounts::add(double score, bool hit) {
  counts_.push_back({finest_step(score) >> coarseness_, hit ? 0 : 1, hit ? 1 : 0});
  if (counts_.size() >= 2 * most_) settle();
}

void ScoreCounts::set(std::vector<ScoreCount> counts) {
  counts_ = std::move(counts);
  settle();
}

const std::vector<ScoreCount>& ScoreCounts::counts() {
  settle();
  return counts_;
}

void ScoreCounts::coarsen_to(std::int32_t coarseness) {
  settle();
  if (coarseness <= coarseness_) return;
  for (ScoreCount& count : counts_) count.step >>= coarseness - coarseness_;
  coarseness_ = coarseness;
  unite();
}

double ScoreCounts::score_of(std::int64_t step) const {
  const std::int64_t finest = step << coarseness_;
  if (finest <= -highest) return -std::numeric_limits<double>::infinity();
  if (finest >= highest) return std::numeric_limits<double>::infinity();
  return std::ldexp(static_cast<double>(finest), -fraction);
}

void ScoreCounts::settle() {
  std::sort(counts_.begin(), counts_.end(),
            [](const ScoreCount& a, const ScoreCount& b) { return a.step < b.step; });
  unite();
  while (counts_.size() > most_) {
    for (ScoreCount& count : counts_) count.step >>= 1;
    ++coarseness_;
    unite();
  }
}

/// Of steps in order: those that are equal become one.
void ScoreCounts::unite() {
  std::size_t kept = 0;
  for (const ScoreCount& count : counts_) {
    if (kept > 0 && counts_[kept - 1].step == count.step) {
      counts_[kept - 1].others += count.others;
      counts_[kept - 1].hits += count.hits;
    } else {
      counts_[kept++] = count;
    }
  }
  counts_.resize(kept);
}

}  // namespace rankflow
