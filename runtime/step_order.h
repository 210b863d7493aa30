// The order of steps: every step after those it needs, or the cycle that makes this impossible. Pure.
#pragma once

#include <cstddef>
#include <vector>

namespace rankflow {

struct StepOrder {
  /// Indices of all steps; among steps that are ready the lower index comes first. Incomplete where there is
  /// a cycle.
  std::vector<std::size_t> order;
  /// Empty, or steps each of which needs the next, and the last the first. Starts with its lowest index.
  std::vector<std::size_t> cycle;
};

/// `needs[i]` are the steps that must come before step i. Kahn's algorithm: O((steps + needs) log steps).
StepOrder order_steps(const std::vector<std::vector<std::size_t>>& needs);

}  // namespace rankflow
