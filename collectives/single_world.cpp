#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/text.h"
#include "collectives/host_name.h"
#include "collectives/mpi_world.h"

namespace rankflow {
namespace {

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

  void send_to_coordinator(const std::string& text) override { coordinator_->send(0, text); }
  void send_to_worker(int rank, const std::string& text) override {
    if (rank != 0)
      throw Error(ExitStatus::internal, str("a message to rank ", rank, " in a world of 1 rank"));
    worker_->send(0, text);
  }
  std::optional<Message> poll_coordinator() override { return coordinator_->poll(); }
  std::optional<Message> poll_worker() override { return worker_->poll(); }

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
  std::unique_ptr<Mailbox> coordinator_ = make_own_mailbox();
  std::unique_ptr<Mailbox> worker_ = make_own_mailbox();
};

}  // namespace

std::unique_ptr<World> make_single_world() {
  return std::make_unique<SingleWorld>();
}

}  // namespace rankflow
