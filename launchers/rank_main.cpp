// rankflow-rank: one rank of a run. Started by mpirun, srun or `rankflow run`; takes the arguments of
// `rankflow run`.
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>

#include "base/error.h"
#include "base/text.h"
#include "io/json_text.h"
#include "io/remote_copy.h"
#include "io/remote_store.h"
#include "launchers/display.h"
#include "launchers/event_lines.h"
#include "launchers/rank_run.h"
#include "launchers/remote_questions.h"
#include "launchers/stop_signals.h"
#include "runtime/device.h"
#include "runtime/messages.h"
#include "runtime/object_delivery.h"
#include "steps/child_service.h"

namespace rankflow {
namespace {

/// Standard error goes to the launcher's log where a supervisor shows the run, so that it gets an event.
void report_last_words(const Error& error, const JobEnvironment& environment, const World& world) {
  const std::string& host = world.hosts()[static_cast<std::size_t>(world.rank())];
  if (environment.supervised) {
    EventLineWriter(STDOUT_FILENO)
        .on_event({{"event", "rank_failed"},
                   {"rank", world.rank()},
                   {"host", host},
                   {"message", error.message()},
                   {"hint", error.hint()}});
  } else {
    print_error(stderr, str("rank ", world.rank(), " (", host, "): ", describe(error)));
  }
}

ExitStatus rank_main(const std::vector<std::string>& words) {
  // The launcher may be killed outright; its ranks must not live on.
  const pid_t launcher = getppid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launcher) return ExitStatus::interrupted;

  auto spawner = Spawner::start();  // before MPI and before any thread
  // cuBLAS reads it when it is first used; without it deterministic trainings are refused on GPUs. Programs that the spawner
  // starts don't see it.
  if (built_with_cuda()) setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/0);
  StopFlag stop;
  StopSignals signals(stop);
  RankCommand command{parse_command_line(words), words, job_environment()};
  auto world = command.environment.launcher == Launcher::none ? make_single_world() : make_mpi_world();
  try {
    check_world(command.environment, world->size(), world->rank());
  } catch (const Error& e) {  // alike on every task, which is a world of its own
    if (command.environment.rank == 0) report_fatal(e, command.environment, nullptr);
    world->finalize();
    return e.status();
  }
  try {
    const ExitStatus status = run_as_rank(command, *world, *spawner, stop);
    world->finalize();
    return status;
  } catch (const std::exception& e) {
    // On this rank alone: the others wait for it in a collective.
    const Error error = as_error(e);
    report_last_words(error, command.environment, *world);
    world->abort(code(error.status()));
    std::terminate();  // GCC 12 does not believe [[noreturn]] of a virtual function
  }
}

Json answer_of(const std::string& word, const Json& question) {
  if (word == list_remote_word) {
    const auto files = open_remote_store(location_from_json(question))->list();
    Json listed = Json::array();
    for (const RemoteFile& file : files) listed.push_back(to_json(file));
    return {{"digest", listing_digest(files)}, {"files", listed}};
  }
  if (word == copy_remote_word) {
    copy_remote(location_from_json(question.at("location")), question.at("to"));
    return Json::object();
  }
  const Delivery delivery = delivery_from_json(question.at("delivery"));
  return {{"copied", deliver_to_object_store({question.at("store")}, delivery)}};
}

/// Answers what `rankflow` asks (launchers/remote_questions.h); needs no MPI.
int answer_main(const std::string& word, const std::string& question) {
  Json answer;
  try {
    answer = answer_of(word, Json::parse(question));
  } catch (const std::exception& e) {
    answer["error"] = to_json(as_error(e));
  }
  std::printf("%s\n", json_text(answer).c_str());
  return 0;
}

}  // namespace
}  // namespace rankflow

int main(int argc, char** argv) {
  using namespace rankflow;
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    if (words.size() == 2 && words[0] == serve_word) return serve_rank(words[1]);
    const int status =
        words.size() == 2 && is_question(words[0]) ? answer_main(words[0], words[1]) : code(rank_main(words));
    close_remote_stores();
    return status;
  } catch (const std::exception& e) {
    const Error error = as_error(e);
    print_error(stderr, describe(error));
    return code(error.status());
  }
}
