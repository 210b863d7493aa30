// MPI's start and end, the communicator of all ranks, groups of ranks, and small messages between the
// coordinator and the ranks. The only public face of MPI: no other header names it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "collectives/communicator.h"
#include "collectives/mailbox.h"

namespace rankflow {

/// All ranks of the job. Construct once per process, on the main thread, after anything that forks helpers.
class World {
 public:
  virtual ~World() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  /// Rank among those on the same host, their number, and which host (0, 1, …, ordered by lowest rank).
  virtual int local_rank() const = 0;
  virtual int local_size() const = 0;
  virtual int node() const = 0;
  /// Host name and node of every rank.
  virtual const std::vector<std::string>& hosts() const = 0;
  virtual const std::vector<int>& nodes() const = 0;

  /// The communicator of all ranks.
  virtual Communicator& all() = 0;
  /// Makes the communicator of `ranks` (world ranks, ascending); only they call it. `tag` (0 … 32,000) tells
  /// groups apart that are made at the same time by overlapping sets. MPI_Comm_create_group.
  virtual std::unique_ptr<Communicator> make_group(const std::vector<int>& ranks, int tag) = 0;

  /// Control messages travel on a communicator of their own. `to_coordinator` lands in rank 0's coordinator
  /// mailbox, `to_worker` in the worker mailbox of any rank (rank 0 has both: its coordinator is a thread).
  /// Thread-safe.
  virtual void send_to_coordinator(const std::string& text) = 0;
  virtual void send_to_worker(int rank, const std::string& text) = 0;
  /// The next message for this side, if one has come; never blocks.
  virtual std::optional<Message> poll_coordinator() = 0;
  virtual std::optional<Message> poll_worker() = 0;

  /// Ends all ranks at once with `status` as exit code; does not return. For a rank that failed inside a
  /// collective.
  [[noreturn]] virtual void abort(int status) = 0;
  /// Orderly end; collective.
  virtual void finalize() = 0;
};

/// MPI_Init_thread with MPI_THREAD_MULTIPLE and MPI_ERRORS_RETURN on every communicator.
std::unique_ptr<World> make_mpi_world();
/// One rank without MPI: starts in no time, the same interface.
std::unique_ptr<World> make_single_world();

}  // namespace rankflow
