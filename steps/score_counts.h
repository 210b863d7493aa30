// How many rows have which score: of a class, and of all others. Exact while there are few different scores; where there are more they
// are counted in equal steps, just as wide as it takes, so that any number of rows needs a bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rankflow {

struct ScoreCount {
  std::int64_t step;  // the score in steps, rounded down
  std::int64_t others, hits;
};

class ScoreCounts {
 public:
  /// `most` different steps are kept.
  explicit ScoreCounts(std::size_t most);

  /// NaN counts as the lowest score.
  void add(double score, bool hit);
  /// Counts as coarse as the own ones, in any order, in place of them.
  void set(std::vector<ScoreCount> counts);

  /// Steps in rising order, each once. How coarse they are follows from the rows alone, not from the order in which they came, or in
  /// which parts: none can be coarser than all together.
  const std::vector<ScoreCount>& counts();
  /// How often the steps were doubled in width; and doubles them until it is `coarseness`.
  std::int32_t coarseness() const { return coarseness_; }
  void coarsen_to(std::int32_t coarseness);
  /// The lowest score that counts to the step.
  double score_of(std::int64_t step) const;

 private:
  void settle();
  void unite();

  std::size_t most_;
  std::int32_t coarseness_ = 0;
  std::vector<ScoreCount> counts_;  // up to the last settle() in order, each step once
};

}  // namespace rankflow
