// Doing local work together: when one rank's work throws, all ranks learn it at the same place and leave
// together.
#pragma once

#include <functional>

#include "base/error.h"
#include "collectives/communicator.h"

namespace rankflow {

/// Thrown on the ranks whose own work was fine when another rank's was not. Carries no message of its own for
/// people: the rank that failed reports.
class PeerFailed : public Error {
 public:
  explicit PeerFailed(int rank);
  int rank() const { return rank_; }

 private:
  int rank_;
};

/// Runs `local` on every rank, then agrees. If it threw anywhere, every rank throws: those where it did their
/// own exception, the others PeerFailed naming the lowest failed rank. Collective; `local` must make no
/// collective calls.
void run_together(Communicator& comm, const std::function<void()>& local);

}  // namespace rankflow
