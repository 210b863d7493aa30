#include "runtime/executor.h"

#include <optional>
#include <set>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "collectives/agreement.h"
#include "io/file.h"
#include "io/json_text.h"
#include "runtime/bind.h"
#include "runtime/input_staging.h"
#include "runtime/input_stamps.h"
#include "runtime/predecessor.h"
#include "runtime/spawner_gone.h"

namespace rankflow {
namespace {

// A step that took less publishes without waiting for the disk: thousands of such steps share one sync.
constexpr double small_step_seconds = 0.2;

// Sends what the group's first rank reports to the coordinator; the other ranks' reports go nowhere.
class MessageReporter : public Reporter {
 public:
  MessageReporter(World& world, const WorkOrder& a, bool first) : world_(world), id_(a.id), first_(first) {}

  void progress(double done, double total, const std::string& unit, const std::string& text,
                const Json& metrics) override {
    const double now = monotonic_seconds();
    if (!first_ || now - last_progress_ < 0.25) return;
    last_progress_ = now;
    send({{"kind", "progress"},
          {"done", done},
          {"total", total},
          {"unit", unit},
          {"text", text},
          {"metrics", metrics},
          {"seconds", now - started_}});
  }
  void metric(const std::string& name, double value, std::int64_t at) override {
    if (first_) send({{"kind", "metric"}, {"name", name}, {"value", value}, {"at", at}});
  }
  void result(const std::string& name, const Json& value) override { results_[name] = value; }
  void note(const std::string& text) override {
    if (first_) send({{"kind", "note"}, {"text", text}});
  }
  const Json& results() const { return results_; }

 private:
  void send(Json message) {
    message["id"] = id_;
    world_.send_to_coordinator(json_text(message));
  }

  World& world_;
  int id_;
  bool first_;
  double started_ = monotonic_seconds();
  double last_progress_ = 0;
  Json results_ = Json::object();
};

}  // namespace

Executor::Executor(RankResources resources) : resources_(std::move(resources)) {}

std::unique_ptr<Communicator> Executor::make_communicator(const WorkOrder& a) {
  const bool alone = a.ranks.size() == 1;
  auto comm = alone ? make_self_communicator() : resources_.world.make_group(a.ranks, a.id % 30000);
  if (resources_.check_collectives) comm = make_checked(std::move(comm));
  return alone ? std::move(comm) : make_recorded(std::move(comm), calls_, str(a.id));
}

StepContext Executor::make_context(const WorkOrder& a, Communicator& comm, StopFlag& cancel,
                                   Reporter& reporter) {
  World& world = resources_.world;
  StepContext context{.comm = comm,
                      .timeline = resources_.timeline,
                      .stop = resources_.stop,
                      .cancel = cancel,
                      .report = reporter};
  context.step = a.step;
  context.parameters = a.parameters;
  context.inputs = a.inputs;
  for (const auto& [name, staging] : a.outputs) context.outputs[name] = staging + "/data";
  context.checkpoints = a.checkpoints;
  context.log_folder = a.log_folder;
  context.folder = a.folder;
  context.local_rank = context.local_size = 0;
  for (int r : a.ranks) {
    context.hosts.push_back(world.hosts()[static_cast<std::size_t>(r)]);
    if (world.nodes()[static_cast<std::size_t>(r)] != world.node()) continue;
    ++context.local_size;
    if (r < world.rank()) ++context.local_rank;
  }
  context.threads = resources_.threads;
  context.device = a.device == "cuda" ? DeviceKind::cuda : DeviceKind::cpu;
  context.attempt = a.attempt;
  context.spawner = &resources_.spawner;
  return context;
}

void Executor::stage_inputs(WorkOrder& a, Communicator& comm, Reporter& reporter) {
  if (a.downloads.empty()) return;
  TimedSpan span(resources_.timeline, str("download for ", a.step), "download");
  const double started = monotonic_seconds();
  const auto before = staged_.copied();
  // The first to come copies, the others of its node wait for its lock.
  run_together(comm, [&] {
    for (const Download& download : a.downloads) staged_.acquire(download, a.download_rules);
  });
  const auto bytes = comm.all_reduce_value<std::int64_t>(static_cast<std::int64_t>(staged_.copied() - before),
                                                         ReduceOp::sum);
  if (bytes > 0) {
    reporter.note(str(human_bytes(static_cast<double>(bytes)),
                      " of inputs copied to the nodes' own disks in ",
                      human_seconds(monotonic_seconds() - started)));
  }
  put_paths(a, [&](std::size_t i) { return staged_.path(a.downloads.at(i)); });
}

void Executor::run(const WorkOrder& order, StopFlag& cancel) {
  WorkOrder a = order;
  const double started = monotonic_seconds();
  Json report = {{"kind", "finished"}, {"id", a.id}, {"rank", resources_.world.rank()}};
  log::info(str("step ", a.step, " starts on ", a.ranks.size(), " rank(s)"));
  try {
    TimedSpan span(resources_.timeline, a.step, "step");
    auto comm = make_communicator(a);
    MessageReporter reporter(resources_.world, a, comm->rank() == 0);
    {
      StepContext context = make_context(a, *comm, cancel, reporter);
      fetch_inputs(context, resources_.store, a.producer.value("run", ""), a.remote);
      if (!a.remote.empty() && context.first())
        resources_.world.send_to_coordinator(Json{{"kind", "fetched"}, {"id", a.id}}.dump());
    }
    stage_inputs(a, *comm, reporter);  // what was fetched too
    // The stamps are compared by one rank: they are of all files.
    std::optional<InputStamps> stamps;
    if (!a.read_in_place.empty()) {
      run_together(*comm, [&] {
        if (comm->rank() == 0) stamps.emplace(a.read_in_place);
      });
    }
    StepContext context = make_context(a, *comm, cancel, reporter);
    if (!a.family.empty() && !a.afresh)
      context.earlier = find_predecessor(*comm, resources_.store.layout(), a.family);
    resources_.make_step(a.type)->run(context);
    if (stamps) stamps->check_unchanged();
    report["ok"] = true;
    unpublished_.insert_or_assign(a.id, Unpublished{a, std::move(comm), reporter.results(),
                                                    std::move(context.notes), monotonic_seconds() - started});
  } catch (const PeerFailed& e) {
    report["ok"] = false;
    report["peer"] = true;
    report["error"] = to_json(e);
  } catch (const Stopped& e) {
    report["ok"] = false;
    report["error"] = to_json(e);
    log::info(str("step ", a.step, " stopped as asked"));
  } catch (const SpawnerGone& e) {
    // No failure of the step: on this rank none could start a program any more. As after a rank's death, the job begins again.
    log::error(str("step ", a.step, ": ", e.message()));
    resources_.world.send_to_coordinator(
        json_text({{"kind", "helper_gone"}, {"id", a.id}, {"rank", resources_.world.rank()}}));
    return;
  } catch (const std::exception& e) {
    report["ok"] = false;
    report["error"] = to_json(as_error(e));
    log::error(str("step ", a.step, ": ", describe(as_error(e)), " (", as_error(e).where(), ")"));
  }
  report["seconds"] = monotonic_seconds() - started;
  // A group of one needs nobody's consent.
  if (report["ok"] == true && a.ranks.size() == 1) {
    commit(a.id);
  } else {
    resources_.world.send_to_coordinator(json_text(report));
  }
}

void Executor::commit(int id) {
  auto node = unpublished_.extract(id);
  if (node.empty())
    throw Error(ExitStatus::internal,
                str("asked to commit assignment ", id, ", which this rank does not hold"));
  Unpublished& done = node.mapped();
  const bool first = done.comm->rank() == 0;
  Json report = {
      {"kind", "published"}, {"id", id}, {"rank", resources_.world.rank()}, {"seconds", done.seconds}};
  try {
    done.comm->close();
    if (!first) return;
    publish(done, report);
    report["results"] = done.results;
    report["ok"] = true;
  } catch (const std::exception& e) {
    report["ok"] = false;
    report["error"] = to_json(as_error(e));
  }
  resources_.world.send_to_coordinator(json_text(report));
}

Durability Executor::durability_of(const Unpublished& done) {
  if (done.seconds >= small_step_seconds) return Durability::now;
  if (unsynced_since_ == 0) unsynced_since_ = monotonic_seconds();
  return Durability::later;
}

void Executor::sync() {
  unsynced_since_ = 0;
  try {
    resources_.store.sync();
  } catch (const Error& e) {
    resources_.world.send_to_coordinator(
        json_text({{"kind", "sync_failed"}, {"rank", resources_.world.rank()}, {"error", to_json(e)}}));
  }
}

// Publishes every output, then the record that leads to them. Reports outputs: {output: digest}, and former: {run, ranks} where the same
// fingerprint gave other bytes before.
void Executor::publish(Unpublished& done, Json& report) {
  const WorkOrder& a = done.assignment;
  TimedSpan span(resources_.timeline, str("publish ", a.step), "publish");
  ActionRecord record;
  record.fingerprint = a.fingerprint;
  record.run = a.producer.value("run", "");
  record.results = done.results;
  record.details = {{"step", a.step}, {"seconds", done.seconds}, {"ranks", a.ranks.size()}};
  const Durability durability = durability_of(done);
  for (const auto& [name, path] : a.outputs) {
    Json producer = a.producer;
    producer["output"] = name;
    record.outputs[name] = resources_.store.publish(Staging(path), producer, durability);
  }
  const auto former = resources_.store.put_action(record, durability);
  if (!done.notes.is_null())
    keep_for_successors(resources_.store.layout(), a.family, record.outputs, done.notes);
  remove_tree(a.checkpoints);
  report["outputs"] = record.outputs;
  if (former) report["former"] = {{"run", former->run}, {"ranks", former->details.value("ranks", 0)}};
}

}  // namespace rankflow
