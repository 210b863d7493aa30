// Which gradients travel together: a pure function of their order and sizes, so that all ranks agree.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/partition.h"

namespace rankflow {

/// What becomes final at once, commonly the gradient of one parameter with the padding behind it.
struct GradientPiece {
  Range elements;
  bool full_precision = false;  // never converted to 16 bits on the wire
};

/// Pieces that one collective reduces.
struct GradientBucket {
  Range elements;
  std::size_t first_piece = 0, pieces = 0;
  bool full_precision = false;
  friend bool operator==(const GradientBucket&, const GradientBucket&) = default;
};

/// Neighbours in `pieces` (given in the order in which backward makes them final) that also are neighbours in
/// memory, in either direction, until the bucket holds at least `first_size` elements (the first one) or `size`
/// (the others). Pieces are never cut; pieces of no elements belong to a bucket too. After
/// compute_bucket_assignment_by_size in PyTorch's torch/csrc/distributed/c10d/reducer.cpp.
std::vector<GradientBucket> assign_buckets(std::span<const GradientPiece> pieces, std::int64_t first_size,
                                           std::int64_t size);

}  // namespace rankflow
