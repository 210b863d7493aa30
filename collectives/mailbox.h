// Small messages between the ranks of a group that nobody waits for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "collectives/communicator.h"

namespace rankflow {

/// A small message (JSON text by convention) from `source`.
struct Message {
  int source;
  std::string text;
};

/// One rank's side. Thread-safe, but for close().
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  /// Never waits for the receiver, which may be this rank itself.
  virtual void send(int rank, const std::string& text) = 0;
  /// The next message that has come, in the order in which its sender sent them; never waits.
  virtual std::optional<Message> poll() = 0;
  /// Waits until all that any rank has sent has come; what nobody polled is dropped. Collective, so never done by the
  /// destructor: where the group's step failed, a mailbox is dropped without it.
  virtual void close() = 0;
};

/// What a communicator is too, where its backend carries messages.
class Messenger {
 public:
  virtual ~Messenger() = default;
  /// Collective over the communicator, as every other call.
  virtual std::unique_ptr<Mailbox> open_mailbox() = 0;
};

/// A mailbox between the ranks of a group. Collective. Throws Error (internal) where its backend carries no messages.
std::unique_ptr<Mailbox> open_mailbox(Communicator& group);
/// The mailbox of a group of one: messages to oneself.
std::unique_ptr<Mailbox> make_own_mailbox();

}  // namespace rankflow
