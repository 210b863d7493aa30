#include "collectives/mpi_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "base/error.h"
#include "base/text.h"
#include "collectives/host_name.h"
#include "collectives/mpi_communicator.h"
#include "collectives/mpi_mailbox.h"

namespace rankflow {
namespace {

constexpr int kToCoordinator = 1;
constexpr int kToWorker = 2;
constexpr int kLargestGroupTag = 32'000;  // MPI promises tags up to 32,767

const char* thread_level_name(int level) {
  switch (level) {
    case MPI_THREAD_SINGLE:
      return "MPI_THREAD_SINGLE";
    case MPI_THREAD_FUNNELED:
      return "MPI_THREAD_FUNNELED";
    case MPI_THREAD_SERIALIZED:
      return "MPI_THREAD_SERIALIZED";
    default:
      return "an unknown thread level";
  }
}

void start_mpi() {
  int provided = MPI_THREAD_SINGLE;
  mpi::check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  // Errors that belong to no communicator are raised on these two.
  mpi::check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  mpi::check(MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (provided < MPI_THREAD_MULTIPLE)
    throw Error(ExitStatus::configuration,
                str("this MPI offers ", thread_level_name(provided), " where MPI_THREAD_MULTIPLE is needed"),
                "an MPI that was built with thread support");
}

/// First member of the world: its constructor comes before all that needs MPI.
class MpiSession {
 public:
  MpiSession() { start_mpi(); }
};

/// What a rank finds out about hosts when it starts.
struct Topology {
  int local_rank = 0;
  int local_size = 1;
  std::vector<std::string> hosts;
  std::vector<int> nodes;
};

Topology find_topology(Communicator& all) {
  Topology topology;
  MPI_Comm shared_handle = MPI_COMM_NULL;
  mpi::check(
      MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, all.rank(), MPI_INFO_NULL, &shared_handle),
      "MPI_Comm_split_type");
  mpi::Comm shared(shared_handle);
  topology.local_rank = shared.rank();
  topology.local_size = shared.size();
  int lowest = all.rank();
  mpi::check(MPI_Bcast(&lowest, 1, MPI_INT, 0, shared.get()), "MPI_Bcast");
  shared.free();

  topology.hosts = all.all_gather_text(host_name());
  const std::vector<int> lowest_of = all.all_gather_value(lowest);
  std::vector<int> leaders = lowest_of;
  std::sort(leaders.begin(), leaders.end());
  leaders.erase(std::unique(leaders.begin(), leaders.end()), leaders.end());
  for (int leader : lowest_of) {
    const auto place = std::lower_bound(leaders.begin(), leaders.end(), leader);
    topology.nodes.push_back(static_cast<int>(place - leaders.begin()));
  }
  return topology;
}

class MpiWorld : public World {
 public:
  MpiWorld()
      : all_(mpi::duplicate(MPI_COMM_WORLD)),
        topology_(find_topology(all_)),
        control_(mpi::duplicate(MPI_COMM_WORLD)),
        outbox_(control_.get()),
        coordinator_(control_.get(), kToCoordinator),
        worker_(control_.get(), kToWorker) {}

  int rank() const override { return all_.rank(); }
  int size() const override { return all_.size(); }
  int local_rank() const override { return topology_.local_rank; }
  int local_size() const override { return topology_.local_size; }
  int node() const override { return topology_.nodes[static_cast<std::size_t>(rank())]; }
  const std::vector<std::string>& hosts() const override { return topology_.hosts; }
  const std::vector<int>& nodes() const override { return topology_.nodes; }
  Communicator& all() override { return all_; }

  std::unique_ptr<Communicator> make_group(const std::vector<int>& ranks, int tag) override;
  void send_to_coordinator(const std::string& text) override { outbox_.send(0, kToCoordinator, text); }
  void send_to_worker(int rank, const std::string& text) override { outbox_.send(rank, kToWorker, text); }
  std::optional<Message> poll_coordinator() override {
    outbox_.reap();
    return coordinator_.poll();
  }
  std::optional<Message> poll_worker() override {
    outbox_.reap();
    return worker_.poll();
  }
  [[noreturn]] void abort(int status) override;
  void finalize() override;

 private:
  MpiSession session_;
  MpiCommunicator all_;
  Topology topology_;
  mpi::Comm control_;
  mpi::Outbox outbox_;
  mpi::Inbox coordinator_;
  mpi::Inbox worker_;
};

std::unique_ptr<Communicator> MpiWorld::make_group(const std::vector<int>& ranks, int tag) {
  const bool ascending =
      std::adjacent_find(ranks.begin(), ranks.end(), std::greater_equal<>()) == ranks.end();
  const bool in_world = !ranks.empty() && ranks.front() >= 0 && ranks.back() < size();
  if (!ascending || !in_world || !std::binary_search(ranks.begin(), ranks.end(), rank()))
    throw Error(ExitStatus::internal,
                str("rank ", rank(), " of ", size(), " cannot make a group of ", ranks.size(),
                    " ranks: they must be ascending, of this world, and include it"));
  if (tag < 0 || tag > kLargestGroupTag)
    throw Error(ExitStatus::internal, str("group tag ", tag, " is not within 0 and ", kLargestGroupTag));
  MPI_Group world_handle = MPI_GROUP_NULL;
  mpi::check(MPI_Comm_group(MPI_COMM_WORLD, &world_handle), "MPI_Comm_group");
  const mpi::Group world(world_handle);
  MPI_Group members_handle = MPI_GROUP_NULL;
  mpi::check(MPI_Group_incl(world.get(), static_cast<int>(ranks.size()), ranks.data(), &members_handle),
             "MPI_Group_incl");
  const mpi::Group members(members_handle);
  MPI_Comm made = MPI_COMM_NULL;
  mpi::check(MPI_Comm_create_group(MPI_COMM_WORLD, members.get(), tag, &made), "MPI_Comm_create_group");
  return std::make_unique<MpiCommunicator>(mpi::Comm(made));
}

void MpiWorld::abort(int status) {
  std::cout.flush();
  std::fflush(nullptr);
  MPI_Abort(MPI_COMM_WORLD, status);
  std::_Exit(status);
}

void MpiWorld::finalize() {
  mpi::drain(control_.get(), outbox_, {&coordinator_, &worker_});
  control_.free();
  all_.close();
  mpi::check(MPI_Finalize(), "MPI_Finalize");
}

}  // namespace

std::unique_ptr<World> make_mpi_world() {
  return std::make_unique<MpiWorld>();
}

}  // namespace rankflow
