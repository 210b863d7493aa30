#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <mutex>

#include "base/error.h"
#include "base/text.h"
#include "collectives/host_name.h"
#include "collectives/mpi_world.h"

namespace rankflow {
namespace {

class Mailbox {
 public:
  void put(const std::string& text) {
    const std::lock_guard lock(mutex_);
    texts_.push_back(text);
  }
  std::optional<Message> take() {
    const std::lock_guard lock(mutex_);
    if (texts_.empty()) return std::nullopt;
    Message message{0, std::move(texts_.front())};
    texts_.pop_front();
    return message;
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> texts_;
};

class SingleWorld : public World {
 public:
  int rank() const override { return 0; }
  int size() const override { return 1; }
  int local_rank() const override { return 0; }
  int local_size() const override { return 1; }
  int node() const override { return 0; }
  const std::vector<std::string>& hosts() const override { return hosts_; }
  const std::vector<int>& nodes() const override { return nodes_; }

  Communicator& all() override { return *all_; }
  std::unique_ptr<Communicator> make_group(const std::vector<int>& ranks, int) override {
    if (ranks != std::vector<int>{0})
      throw Error(ExitStatus::internal,
                  str("a group of ", ranks.size(), " ranks in a world of rank 0 alone"));
    return make_self_communicator();
  }

  void send_to_coordinator(const std::string& text) override { coordinator_.put(text); }
  void send_to_worker(int rank, const std::string& text) override {
    if (rank != 0)
      throw Error(ExitStatus::internal, str("a message to rank ", rank, " in a world of 1 rank"));
    worker_.put(text);
  }
  std::optional<Message> poll_coordinator() override { return coordinator_.take(); }
  std::optional<Message> poll_worker() override { return worker_.take(); }

  [[noreturn]] void abort(int status) override {
    std::cout.flush();
    std::fflush(nullptr);
    // Other threads may still be at work: destructors and exit handlers must not run under them.
    std::_Exit(status);
  }
  void finalize() override {}

 private:
  std::unique_ptr<Communicator> all_ = make_self_communicator();
  std::vector<std::string> hosts_{host_name()};
  std::vector<int> nodes_{0};
  Mailbox coordinator_;
  Mailbox worker_;
};

}  // namespace

std::unique_ptr<World> make_single_world() {
  return std::make_unique<SingleWorld>();
}

}  // namespace rankflow
