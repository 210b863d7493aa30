#include "collectives/agreement.h"

#include <exception>

#include "base/text.h"

namespace rankflow {

PeerFailed::PeerFailed(int rank)
    : Error(ExitStatus::step_failed, str("rank ", rank, " of the group failed"), "its own message says why"),
      rank_(rank) {}

void run_together(Communicator& comm, const std::function<void()>& local) {
  std::exception_ptr mine;
  try {
    local();
  } catch (...) {
    mine = std::current_exception();
  }
  const int lowest_failed = comm.lowest_failed(mine != nullptr);
  if (mine) std::rethrow_exception(mine);
  if (lowest_failed < comm.size()) throw PeerFailed(lowest_failed);
}

}  // namespace rankflow
