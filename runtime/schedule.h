// Which ready step gets which ranks: pure functions, so that every rule can be tested without MPI.
//
// Longest path to the end first. A group fits on one node where it can, otherwise it takes whole nodes and
// then as few as possible; a step of one rank takes it from the node with the fewest free ranks, so that
// whole nodes stay free. A step that does not fit now is overtaken by smaller ones. Equal arguments give
// equal answers.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/pipeline.h"

namespace rankflow {

/// For every step the number of steps on the longest path from it to the end of the pipeline, itself
/// included.
std::vector<double> critical_lengths(const Pipeline& pipeline);

/// The number of ranks a step gets in a world of `world` ranks (`ranks: 0` means all). Throws Error
/// (configuration) where it asks for more than there are.
int resolve_ranks(const PipelineStep& step, int world);

struct ReadyStep {
  std::size_t step = 0;   // index in the pipeline
  int ranks = 1;          // how many it needs, from 1
  double priority = 0;    // higher first; equal ones by `step`
  bool may_queue = true;  // a step of one rank may wait on a busy rank for its turn
};

struct RankState {
  int node = 0;
  int load = 0;                // steps in its hands: the one it runs and those queued behind it
  bool accepts_queue = false;  // all that it has is short: what is queued there does not wait long
};

struct Assignment {
  std::size_t step = 0;
  std::vector<int> ranks;  // ascending
  bool queued = false;     // to be started by that rank once it is done with what it has

  friend bool operator==(const Assignment&, const Assignment&) = default;
};

/// Gives ready steps to the ranks in `world` (index: world rank). Steps of one rank that find none free are
/// queued on ranks that accept it, evenly, up to `queue_depth` each; never ahead of a waiting step with a
/// higher priority.
std::vector<Assignment> assign(std::vector<ReadyStep> ready, std::vector<RankState> world, int queue_depth);

}  // namespace rankflow
