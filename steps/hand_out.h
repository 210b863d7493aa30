// How work is cut into runs that ranks take one after the other: long ones first, shorter towards the end, so that ranks
// finish together whatever their speed (guided self-scheduling, Polychronopoulos and Kuck 1987).
#pragma once

#include <cstdint>
#include <vector>

#include "base/partition.h"

namespace rankflow {

/// Runs of `count` consecutive units, for ranks of which the slowest may be several times slower than the others: the next
/// run is a sixteenth of each rank's equal share of what is left, at least one unit. Which units a run has depends on nothing
/// but `count`, `ranks` and its number, so that ranks need to agree on numbers only (TicketCounter).
class HandOut {
 public:
  HandOut(std::int64_t count, int ranks);

  std::int64_t runs() const { return static_cast<std::int64_t>(ends_.size()); }
  /// Units of run number `run`; none after the last.
  Range run(std::int64_t run) const;

 private:
  std::vector<std::int64_t> ends_;
};

/// The numbers within [0, count) that lie in none of `taken`, ascending. Throws Error (internal) where two of these overlap
/// or one lies outside.
std::vector<std::int64_t> left_over(std::int64_t count, std::vector<Range> taken);

}  // namespace rankflow
