#include <cstdio>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "collectives/host_name.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "launchers/display.h"
#include "launchers/mpirun.h"
#include "launchers/planning_session.h"
#include "launchers/remote_questions.h"
#include "launchers/run_view.h"
#include "launchers/supervisor.h"
#include "runtime/abandoned.h"
#include "runtime/run_description.h"
#include "runtime/run_record.h"
#include "runtime/run_state.h"

namespace rankflow {
namespace {

/// A new run, or the one to go on with.
RunRecord open_record(PlanningSession& session, const CommandLine& line) {
  return line.has("run-id") ? RunRecord(session.store(), line.text("run-id"))
                            : RunRecord::create(session.store(), session.pipeline().name);
}

/// A run in which every step is reused needs no ranks: it is recorded and shown here.
int record_reuse(PlanningSession& session, const CommandLine& line, const std::vector<std::string>& words,
                 RunObserver& display) {
  RunRecord record = open_record(session, line);
  describe_run(record, session.pipeline(), words);
  claim_run(record);
  RunState state(session.planner(), record, display, {host_name()}, deliver_through_rank);
  state.begin(record.json().value("attempts", 0) + 1);
  return code(state.end(false, ""));
}

/// On a store that can't be written, results are still of use: the run is shown but leaves no record.
int show_reuse(PlanningSession& session, RunObserver& display) {
  Json steps = Json::array();
  const auto& planned = session.planner().steps();
  for (std::size_t i = 0; i < planned.size(); ++i) {
    steps.push_back({{"name", session.pipeline().steps[i].name}, {"decision", name(planned[i].decision)}});
  }
  display.on_event({{"event", "run_started"},
                    {"run", "not recorded"},
                    {"pipeline", session.pipeline().name},
                    {"ranks", 1},
                    {"steps", steps}});
  for (std::size_t i = 0; i < planned.size(); ++i) {
    if (planned[i].decision != Decision::reuse) continue;
    display.on_event({{"event", "step_finished"},
                      {"step", session.pipeline().steps[i].name},
                      {"status", "reused"},
                      {"run", planned[i].record ? planned[i].record->run : ""},
                      {"outputs", planned[i].outputs}});
  }
  display.on_event({{"event", "run_finished"},
                    {"run", "not recorded"},
                    {"status", "done"},
                    {"exit", 0},
                    {"seconds", 0.0}});
  return code(ExitStatus::ok);
}

int reuse_all(PlanningSession& session, const CommandLine& line, const std::vector<std::string>& words,
              RunObserver& display) {
  try {
    session.store().prepare_for_writing();
  } catch (const Error& e) {
    display.on_event(
        {{"event", "note"}, {"level", "warning"}, {"text", str("this run is not recorded: ", e.message())}});
    return show_reuse(session, display);
  }
  return record_reuse(session, line, words, display);
}

/// The run's record from before the ranks start: should they never come up, `rankflow runs` still shows it.
RunRecord begin_record(PlanningSession& session, const CommandLine& line,
                       const std::vector<std::string>& words, RunObserver& display) {
  session.store().prepare_for_writing();
  RunRecord record = open_record(session, line);
  make_directories(record.layout().logs());
  describe_run(record, session.pipeline(), words);
  record.json()["status"] = "starting";
  tell_damage(record, session.planner(), display);
  record.save(false);
  return record;
}

/// Ranks that died could not write how the run ended.
void end_record(Store& store, const std::string& id, int exit_code) {
  RunRecord record(store, id);
  const auto status = record.json().value("status", "");
  // "interrupted": the coordinator ended the job so that it could start again.
  if (status != "starting" && status != "running" && status != "interrupted") return;
  const bool stopped = exit_code == code(ExitStatus::stopped) || exit_code == code(ExitStatus::interrupted);
  record.json()["status"] = stopped ? "stopped" : "failed";
  record.json()["exit"] = exit_code;
  record.save(true);
}

/// The arguments of `run` as every rank gets them; ranks on other hosts don't get our environment.
std::vector<std::string> rank_arguments(const CommandLine& line, const std::vector<std::string>& words,
                                        const std::string& store, const std::string& run) {
  std::vector<std::string> arguments = {words.front()};
  if (!line.has("store")) arguments.insert(arguments.end(), {"--store", store});
  if (!line.has("run-id")) arguments.insert(arguments.end(), {"--run-id", run});
  arguments.insert(arguments.end(), words.begin() + 1, words.end());
  return arguments;
}

int run_on_ranks(PlanningSession& session, const CommandLine& line, const std::vector<std::string>& words,
                 const JobEnvironment& job, RunObserver& display) {
  const int ranks = ranks_of(line, job);
  const int slots = job.allocated_tasks > 0 ? job.allocated_tasks : usable_cores();
  SupervisorOptions options;
  options.command = {find_rank_program()};
  if (ranks > 1) options.command = mpirun_command(ranks, slots, options.command);
  const RunRecord record = begin_record(session, line, words, display);
  options.run = record.id();
  const auto arguments = rank_arguments(line, words, session.store().layout().root, record.id());
  options.command.insert(options.command.end(), arguments.begin(), arguments.end());
  options.restarts = line.integer("restarts");
  options.hang_limit = line.number("hang-limit");
  options.launcher_log = record.layout().launcher_log();
  if (ranks > 1) {
    options.through_mpirun = true;
    options.environment = mpirun_environment(ranks, slots);
    if (ranks > slots) {
      display.on_event(
          {{"event", "note"},
           {"level", "info"},
           {"text", str(ranks, " ranks share ", counted(static_cast<std::size_t>(slots), "core"))}});
    }
  }
  options.environment.emplace_back(supervised_variable, "1");
  try {
    const int exit_code = supervise(options, display);
    end_record(session.store(), record.id(), exit_code);
    remove_abandoned(session.store());
    return exit_code;
  } catch (const Error& e) {
    end_record(session.store(), record.id(), code(e.status()));
    throw;
  }
}

}  // namespace

int run_command(const CommandLine& line, const std::vector<std::string>& words) {
  const JobEnvironment job = job_environment();
  try {
    check_not_nested(job, line.integer("ranks"));
  } catch (const Error& e) {
    if (job.rank == 0) throw;
    return code(e.status());  // one message for the whole job
  }
  if (job.in_mpi_job()) {
    std::vector<std::string> command = {find_rank_program()};
    command.insert(command.end(), words.begin(), words.end());
    become(command);
  }
  PlanningSession session(line, line.arguments.at(0), ranks_of(line, job));
  const auto display = make_display(
      choose_display(stdout, line.flag("quiet"), line.flag("json"), line.text("color")), stdout, stderr);
  if (session.planner().nothing_to_do()) return reuse_all(session, line, words, *display);
  return run_on_ranks(session, line, words, job, *display);
}

}  // namespace rankflow
