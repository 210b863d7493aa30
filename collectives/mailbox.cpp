#include "collectives/mailbox.h"

#include <deque>
#include <mutex>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

class OwnMailbox : public Mailbox {
 public:
  void send(int rank, const std::string& text) override {
    if (rank != 0)
      throw Error(ExitStatus::internal, str("a message to rank ", rank, " in a group of 1 rank"));
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  std::optional<Message> poll() override {
    const std::lock_guard lock(mutex_);
    if (texts_.empty()) return std::nullopt;
    Message message{0, std::move(texts_.front())};
    texts_.pop_front();
    return message;
  }
  void close() override { texts_.clear(); }

 private:
  std::mutex mutex_;
  std::deque<std::string> texts_;
};

}  // namespace

std::unique_ptr<Mailbox> open_mailbox(Communicator& group) {
  if (auto* messenger = dynamic_cast<Messenger*>(&group)) return messenger->open_mailbox();
  throw Error(ExitStatus::internal, "this communicator carries no messages");
}

std::unique_ptr<Mailbox> make_own_mailbox() {
  return std::make_unique<OwnMailbox>();
}

}  // namespace rankflow
