#include "launchers/rank_run.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <thread>

#include "base/log.h"
#include "base/text.h"
#include "io/file.h"
#include "io/remote_store.h"
#include "io/store.h"
#include "launchers/display.h"
#include "launchers/event_lines.h"
#include "launchers/planning_session.h"
#include "runtime/abandoned.h"
#include "runtime/coordinator.h"
#include "runtime/device.h"
#include "runtime/object_delivery.h"
#include "runtime/run_description.h"
#include "runtime/schedule.h"
#include "runtime/worker.h"
#include "steps/registry.h"
#include "steps/specs.h"
#include "steps/versions.h"

namespace rankflow {
namespace {

/// This rank's share of its host's cores. A launcher that bound it to some cores has divided them already.
int fair_threads(const World& world) {
  if (const char* asked = std::getenv("OMP_NUM_THREADS"); asked && std::atoi(asked) > 0)
    return std::atoi(asked);
  cpu_set_t bound;
  CPU_ZERO(&bound);
  const int online = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  const int mine = sched_getaffinity(0, sizeof bound, &bound) == 0 ? CPU_COUNT(&bound) : online;
  return mine < online ? mine : std::max(1, online / world.local_size());
}

/// What rank 0 prepares before the others are told to begin.
struct Leader {
  StepSpecs specs = all_step_specs();
  FileMemory memory{FileMemory::default_path()};
  std::unique_ptr<RunObserver> observer;
  std::optional<Pipeline> pipeline;
  std::optional<Store> store;
  std::unique_ptr<PlanDisk> disk;
  std::optional<Planner> planner;
  std::optional<RunRecord> record;
  CoordinatorSettings settings;
};

std::unique_ptr<RunObserver> make_observer(const CommandLine& line, const JobEnvironment& environment) {
  if (environment.supervised) return std::make_unique<EventLineWriter>(STDOUT_FILENO);
  return make_display(choose_display(stdout, line.flag("quiet"), line.flag("json"), line.text("color")),
                      stdout, stderr);
}

/// What `device: auto` means in this job. Collective.
std::string agreed_device(World& world) {
  if (!built_with_cuda()) return "cpu";
  const auto texts =
      world.all().all_gather_text(Json{{"local_rank", world.local_rank()}, {"gpus", usable_gpus()}}.dump());
  std::vector<RankGpus> ranks;
  for (std::size_t r = 0; r < texts.size(); ++r) {
    const Json rank = Json::parse(texts[r]);
    ranks.push_back(
        {world.nodes()[r], rank.at("local_rank"), rank.at("gpus").get<std::vector<std::string>>()});
  }
  return automatic_device(ranks);
}

void prepare(Leader& leader, const RankCommand& command, const World& world, const std::string& device) {
  const CommandLine& line = command.line;
  leader.pipeline = load_for(line, line.arguments.at(0), leader.specs);
  for (const auto& step : leader.pipeline->steps) resolve_ranks(step, world.size());
  leader.store.emplace(store_of(line), leader.memory);
  leader.store->prepare_for_writing();
  for (const PipelineInput& input : leader.pipeline->inputs) {
    if (input.selection) make_selection(*input.selection, leader.store->layout());
  }
  leader.disk = make_plan_disk(*leader.store, leader.memory, [](const Location& location) {
    return listing_digest(open_remote_store(location)->list());
  });
  leader.planner.emplace(*leader.pipeline, *leader.disk, plan_options_of(line, world.size(), device));
  leader.planner->decide();
  leader.memory.save();  // ranks look digests of inputs up there
  const std::string id = line.text("run-id");
  leader.record.emplace(id.empty() ? RunRecord::create(*leader.store, leader.pipeline->name)
                                   : RunRecord(*leader.store, id));
  leader.settings.fail_fast = line.flag("fail-fast");
  leader.settings.supervised = command.environment.supervised;
  leader.settings.hang_limit = line.number("hang-limit");
  leader.settings.to_objects = deliver_to_object_store;
  leader.settings.attempt = leader.record->json().value("attempts", 0) + 1;
  describe_run(*leader.record, *leader.pipeline, command.words);
  claim_run(*leader.record);
  remove_abandoned(*leader.store);
  describe_work(*leader.record, *leader.pipeline, *leader.planner, library_versions());
  make_directories(leader.record->layout().logs());
}

// Rank 0's first message to all: what they need to work, or that there is nothing to do.
Json opening(Leader& leader, const RankCommand& command, const World& world, const std::string& device) {
  try {
    leader.observer = make_observer(command.line, command.environment);
    prepare(leader, command, world, device);
    return {{"go", true}, {"store", leader.store->layout().root}, {"run", leader.record->layout().root}};
  } catch (const std::exception& e) {
    const Error error = as_error(e);
    report_fatal(error, command.environment, leader.observer.get());
    return {{"go", false}, {"exit", code(error.status())}};
  }
}

// Rank 0's coordinator works beside its worker; an exception there would leave every rank waiting.
class CoordinatorThread {
 public:
  CoordinatorThread(Leader& leader, const RankCommand& command, World& world, StopFlag& stop)
      : thread_([&leader, &command, &world, &stop, this] {
          try {
            Coordinator coordinator(world, *leader.store, *leader.planner, *leader.record, *leader.observer,
                                    stop, leader.settings);
            status_ = coordinator.run();
          } catch (const std::exception& e) {
            report_fatal(as_error(e), command.environment, leader.observer.get());
            world.abort(code(as_error(e).status()));
          }
        }) {}
  ExitStatus join() {
    thread_.join();
    return status_;
  }

 private:
  ExitStatus status_ = ExitStatus::internal;
  std::thread thread_;
};

void work(const RankCommand& command, const Json& opened, World& world, Spawner& spawner, StopFlag& stop) {
  // Each rank has a store object and a memory of its own; the coordinator's are used by its thread alone.
  FileMemory memory("");
  Store store(opened.at("store"), memory);
  Timeline timeline;
  RankResources resources{.world = world,
                          .store = store,
                          .make_step = step_factory(),
                          .spawner = spawner,
                          .timeline = timeline,
                          .stop = stop,
                          .threads = fair_threads(world)};
  resources.check_collectives = std::getenv("RANKFLOW_CHECK_COLLECTIVES") != nullptr;
  log::info(str("rank ", world.rank(), " of ", world.size(), " on ",
                world.hosts()[static_cast<std::size_t>(world.rank())], ", local rank ", world.local_rank(),
                " of ", world.local_size(), ", ", resources.threads, " thread(s), process ", getpid(),
                command.environment.job_id.empty() ? "" : ", job ", command.environment.job_id));
  Worker(resources).run();
}

}  // namespace

void report_fatal(const Error& error, const JobEnvironment& environment, RunObserver* observer) {
  // A supervisor reads events; standard error goes to the launcher's log.
  if (environment.supervised && observer) {
    observer->on_event({{"event", "run_finished"},
                        {"status", "failed"},
                        {"exit", code(error.status())},
                        {"message", describe(error)}});
  } else {
    print_error(stderr, describe(error));
  }
}

ExitStatus run_as_rank(const RankCommand& command, World& world, Spawner& spawner, StopFlag& stop) {
  Leader leader;
  Json opened;
  const std::string device = agreed_device(world);
  if (world.rank() == 0) opened = opening(leader, command, world, device);
  opened = Json::parse(world.all().broadcast_text(opened.dump()));
  if (!opened.at("go").get<bool>()) return static_cast<ExitStatus>(opened.at("exit").get<int>());
  const RunLayout run{opened.at("run")};
  log::configure(run.rank_log(world.rank()), str("rank ", world.rank()), log::Level::info);

  std::optional<CoordinatorThread> coordinator;
  if (world.rank() == 0) coordinator.emplace(leader, command, world, stop);
  work(command, opened, world, spawner, stop);
  int status = coordinator ? code(coordinator->join()) : 0;
  leader.memory.save();
  world.all().broadcast(&status, sizeof status, 0);
  return static_cast<ExitStatus>(status);
}

}  // namespace rankflow
