#include "collectives/mpi_mailbox.h"

#include <algorithm>
#include <limits>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/text.h"

namespace rankflow::mpi {
namespace {

bool done(MPI_Request& request) {
  int flag = 0;
  check(MPI_Test(&request, &flag, MPI_STATUS_IGNORE), "MPI_Test");
  return flag != 0;
}

}  // namespace

void Outbox::send(int rank, int tag, const std::string& text) {
  if (text.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error(ExitStatus::internal,
                str("a control message of ", human_bytes(static_cast<double>(text.size())), " to rank ", rank,
                    " is larger than MPI can send"));
  const std::lock_guard lock(mutex_);
  Letter& letter = letters_.emplace_back(Letter{text, MPI_REQUEST_NULL});
  const int code = MPI_Isend(letter.text.data(), static_cast<int>(letter.text.size()), MPI_CHAR, rank, tag,
                             comm_, &letter.request);
  if (code != MPI_SUCCESS) letters_.pop_back();
  check(code, "MPI_Isend");
  reap_locked();
}

std::size_t Outbox::reap() {
  const std::lock_guard lock(mutex_);
  return reap_locked();
}

std::size_t Outbox::reap_locked() {
  for (auto letter = letters_.begin(); letter != letters_.end();)
    letter = done(letter->request) ? letters_.erase(letter) : std::next(letter);
  return letters_.size();
}

void Inbox::accept() {
  int found = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  check(MPI_Improbe(MPI_ANY_SOURCE, tag_, comm_, &found, &handle, &status), "MPI_Improbe");
  if (!found) return;
  int bytes = 0;
  check(MPI_Get_count(&status, MPI_CHAR, &bytes), "MPI_Get_count");
  Letter& letter = arriving_.emplace_back(
      Letter{status.MPI_SOURCE, std::string(static_cast<std::size_t>(bytes), '\0'), MPI_REQUEST_NULL});
  check(MPI_Imrecv(letter.text.data(), bytes, MPI_CHAR, &handle, &letter.request), "MPI_Imrecv");
}

bool Inbox::idle() {
  const std::lock_guard lock(mutex_);
  return arriving_.empty();
}

std::optional<Message> Inbox::poll() {
  const std::lock_guard lock(mutex_);
  accept();
  // A letter that is still arriving holds back later ones of its sender, nobody else's.
  std::set<int> waiting;
  for (auto letter = arriving_.begin(); letter != arriving_.end(); ++letter) {
    if (waiting.count(letter->source)) continue;
    if (!done(letter->request)) {
      waiting.insert(letter->source);
      continue;
    }
    Message message{letter->source, std::move(letter->text)};
    arriving_.erase(letter);
    return message;
  }
  return std::nullopt;
}

/// The end of Hoefler's non-blocking consensus ("Scalable communication protocols for dynamic sparse data exchange", 2010):
/// messages are taken in until every rank's outbox is empty.
void drain(MPI_Comm comm, Outbox& outbox, std::initializer_list<Inbox*> inboxes) {
  MPI_Request barrier = MPI_REQUEST_NULL;
  bool entered = false;
  int all_empty = 0;
  const auto idle = [&] {
    return std::all_of(inboxes.begin(), inboxes.end(), [](Inbox* inbox) { return inbox->idle(); });
  };
  while (!all_empty || !idle()) {
    for (Inbox* inbox : inboxes) {
      while (inbox->poll()) {
      }
    }
    const bool mine_empty = outbox.reap() == 0;
    if (mine_empty && !entered) {
      check(MPI_Ibarrier(comm, &barrier), "MPI_Ibarrier");
      entered = true;
    }
    if (entered && !all_empty) check(MPI_Test(&barrier, &all_empty, MPI_STATUS_IGNORE), "MPI_Test");
    std::this_thread::yield();
  }
}

namespace {

constexpr int mailbox_tag = 1;

class MpiMailbox : public Mailbox {
 public:
  explicit MpiMailbox(MPI_Comm comm)
      : comm_(duplicate(comm)), outbox_(comm_.get()), inbox_(comm_.get(), mailbox_tag) {}
  void send(int rank, const std::string& text) override { outbox_.send(rank, mailbox_tag, text); }
  std::optional<Message> poll() override {
    outbox_.reap();
    return inbox_.poll();
  }
  void close() override {
    drain(comm_.get(), outbox_, {&inbox_});
    comm_.free();
  }

 private:
  Comm comm_;
  Outbox outbox_;
  Inbox inbox_;
};

}  // namespace

std::unique_ptr<Mailbox> make_mailbox(MPI_Comm comm) {
  return std::make_unique<MpiMailbox>(comm);
}

}  // namespace rankflow::mpi
