// Sums gradients over the ranks. Pieces of the flat buffer are added as they become ready, in the same order
// on all ranks; neighbours travel together.
#pragma once

#include <ATen/core/Tensor.h>

#include "base/partition.h"
#include "collectives/communicator.h"

namespace rankflow {

class GradientReducer {
 public:
  /// `flat`: f32 or f64 [n], contiguous; kept by reference to its storage.
  GradientReducer(Communicator& comm, at::Tensor flat);

  /// These elements are final on this rank. A piece that does not follow the last one sends what came before.
  void add(Range elements);
  /// Returns when all that was added holds the sum over the ranks, the same bits on each. Collective.
  void finalize();

 private:
  Communicator& comm_;
  at::Tensor flat_;
  Range pending_;
};

}  // namespace rankflow
