#include "collectives/ticket_counter.h"

#include <atomic>
#include <charconv>
#include <thread>

#include "base/backoff.h"
#include "base/error.h"
#include "base/text.h"
#include "collectives/host_memory.h"
#include "collectives/mailbox.h"

namespace rankflow {
namespace {

class SharedCounter : public TicketCounter {
 public:
  explicit SharedCounter(std::shared_ptr<HostMemory> memory)
      : memory_(std::move(memory)), next_(*reinterpret_cast<std::int64_t*>(memory_->data())) {}
  std::int64_t take() override { return next_.fetch_add(1); }
  void end() override { next_.store(ended); }
  void close() override {}

 private:
  std::shared_ptr<HostMemory> memory_;
  std::atomic_ref<std::int64_t> next_;
  static_assert(std::atomic_ref<std::int64_t>::is_always_lock_free);
};

/// The others ask the first rank; its own main thread takes numbers where they lie.
class ServedCounter : public TicketCounter {
 public:
  explicit ServedCounter(Communicator& group)
      : first_(group.rank() == 0), others_(group.size() - 1), mailbox_(open_mailbox(group)) {
    if (first_ && others_ > 0) server_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }

  std::int64_t take() override {
    if (first_) return next_.fetch_add(1);
    mailbox_->send(0, want);
    for (Backoff backoff;; backoff.wait()) {
      if (const auto answer = mailbox_->poll()) return number_in(answer->text);
    }
  }
  void end() override {
    if (first_)
      next_.store(ended);
    else
      mailbox_->send(0, stop_all);
  }
  void close() override {
    if (!first_) mailbox_->send(0, leave);
    if (server_.joinable()) server_.join();
    mailbox_->close();
  }

 private:
  static constexpr const char *want = "take", *stop_all = "end", *leave = "leave";

  void serve(const std::stop_token& stop) {
    Backoff backoff;
    for (int present = others_; present > 0 && !stop.stop_requested();) {
      const auto message = mailbox_->poll();
      if (!message) {
        backoff.wait();
        continue;
      }
      backoff.reset();
      if (message->text == want) mailbox_->send(message->source, std::to_string(next_.fetch_add(1)));
      if (message->text == stop_all) next_.store(ended);
      if (message->text == leave) --present;
    }
  }

  static std::int64_t number_in(const std::string& text) {
    std::int64_t number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
      throw Error(ExitStatus::internal, str(in_quotes(text), " is no number to take"));
    return number;
  }

  const bool first_;
  const int others_;
  std::unique_ptr<Mailbox> mailbox_;
  std::atomic<std::int64_t> next_{0};
  std::jthread server_;  // last: it ends before what it uses
};

}  // namespace

std::unique_ptr<TicketCounter> make_ticket_counter(Communicator& group, bool served) {
  std::string why;
  if (!served) {
    if (auto memory = HostMemory::make(group, sizeof(std::int64_t), why))
      return std::make_unique<SharedCounter>(std::move(memory));
  }
  return std::make_unique<ServedCounter>(group);
}

}  // namespace rankflow
