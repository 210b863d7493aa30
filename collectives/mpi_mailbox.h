// Small messages between ranks that nobody waits for: an outbox that keeps what is being sent, an inbox that
// is polled. Only files named mpi_*.cpp may include this.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "collectives/mailbox.h"
#include "collectives/mpi_handles.h"

namespace rankflow::mpi {

/// Starts sends and keeps their buffers until MPI is done with them. Thread-safe.
class Outbox {
 public:
  explicit Outbox(MPI_Comm comm) : comm_(comm) {}
  /// Never waits for the receiver. At most 2^31 - 1 bytes.
  void send(int rank, int tag, const std::string& text);
  /// Lets go of what has been sent; returns how many sends are left.
  std::size_t reap();

 private:
  struct Letter {
    std::string text;
    MPI_Request request;
  };
  std::size_t reap_locked();

  MPI_Comm comm_;
  std::mutex mutex_;
  std::list<Letter> letters_;  // a list: MPI reads the texts where they are
};

/// Messages of one tag from any rank, in the order in which each sender sent them. Thread-safe.
class Inbox {
 public:
  Inbox(MPI_Comm comm, int tag) : comm_(comm), tag_(tag) {}
  /// The next message that has come whole. Never waits: a large one arrives over several polls.
  std::optional<Message> poll();
  /// True where no message is on its way in.
  bool idle();

 private:
  struct Letter {
    int source;
    std::string text;
    MPI_Request request;
  };
  void accept();

  MPI_Comm comm_;
  int tag_;
  std::mutex mutex_;
  std::list<Letter> arriving_;
};

/// Returns when all that the ranks of `comm` have sent has come; what is in the inboxes is dropped. A message that nobody
/// takes in would keep its sender in MPI_Finalize. Collective.
void drain(MPI_Comm comm, Outbox& outbox, std::initializer_list<Inbox*> inboxes);

/// On a communicator of its own, like `comm`. Collective.
std::unique_ptr<Mailbox> make_mailbox(MPI_Comm comm);

}  // namespace rankflow::mpi
