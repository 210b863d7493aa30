// The supervisor with small shell scripts in the ranks' place.
#include "launchers/supervisor.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/mpirun.h"

namespace rankflow {
namespace {

struct Events : RunObserver {
  std::vector<Json> all;
  std::function<void(const Json&)> then = [](const Json&) {};
  void on_event(const Json& event) override {
    all.push_back(event);
    then(event);
  }
  const Json& last() const { return all.back(); }
  std::string text(const std::string& key) const { return last().value(key, ""); }
};

class SupervisorTest : public ::testing::Test {
 protected:
  SupervisorTest() : folder_(str(::testing::TempDir(), "supervisor-", getpid(), "-", monotonic_seconds())) {
    std::filesystem::create_directories(folder_);
    options_.run = "r1";
    options_.launcher_log = folder_ + "/launcher.log";
  }
  ~SupervisorTest() override { std::filesystem::remove_all(folder_); }

  /// `event NAME [MORE]` prints an event; $ATTEMPT counts the starts.
  int run(const std::string& script) {
    const std::string prelude =
        "event() { printf '\\036{\"event\":\"%s\"%s}\\n' \"$1\" \"$2\"; }\n"
        "echo start >> starts; ATTEMPT=$(wc -l < starts)\n";
    options_.command = {"/bin/sh", "-c", str("cd ", folder_, "\n", prelude, script)};
    return supervise(options_, events_);
  }
  std::string file(const std::string& name) const { return read_file(folder_ + "/" + name); }
  long starts() const {
    const auto text = file("starts");
    return std::count(text.begin(), text.end(), '\n');
  }

  std::string folder_;
  SupervisorOptions options_;
  Events events_;
};

TEST_F(SupervisorTest, events_pass_and_noise_goes_to_the_log) {
  options_.environment = {{"RANKFLOW_SUPERVISED", "1"}};
  EXPECT_EQ(run("echo noise; echo more >&2; event note ',\"text\":\"hello\"'; event heartbeat\n"
                "[ \"$RANKFLOW_SUPERVISED\" = 1 ] || exit 9\n"
                "event run_finished ',\"status\":\"done\",\"exit\":0'"),
            0);
  ASSERT_EQ(events_.all.size(), 2u);
  EXPECT_EQ(events_.all[0].at("text"), "hello");
  EXPECT_EQ(events_.last().at("status"), "done");
  const auto log = file("launcher.log");
  EXPECT_NE(log.find("noise\n"), std::string::npos);
  EXPECT_NE(log.find("more\n"), std::string::npos);
  EXPECT_EQ(log.find("hello"), std::string::npos);
}

TEST_F(SupervisorTest, results_are_final) {
  for (const int result : {1, 2, 65, 74, 75, 77, 78}) {
    EXPECT_EQ(run(str("event run_started; event run_finished ',\"status\":\"failed\"'; exit ", result)),
              result);
    EXPECT_EQ(events_.text("event"), "run_finished");
  }
  EXPECT_EQ(starts(), 7);
}

TEST_F(SupervisorTest, a_crash_starts_again) {
  EXPECT_EQ(run("event run_started; if [ $ATTEMPT -lt 3 ]; then kill -9 $$; fi; event run_finished "
                "',\"status\":\"done\"'"),
            0);
  EXPECT_EQ(starts(), 3);
  ASSERT_EQ(events_.all.size(), 6u);
  EXPECT_EQ(events_.all[1].at("text"), "the rank died (signal 9, Killed); starting again, attempt 2 of 4");
}

TEST_F(SupervisorTest, crashes_end_after_the_restarts_and_can_be_resumed) {
  options_.restarts = 1;
  EXPECT_EQ(run("event run_started; event run_finished; exit 139"), 75);
  EXPECT_EQ(starts(), 2);
  EXPECT_EQ(events_.text("status"), "stopped");
  EXPECT_NE(events_.text("message").find("signal 11, Segmentation fault"), std::string::npos)
      << events_.last();
  int finished = 0;
  for (const auto& event : events_.all) finished += event.at("event") == "run_finished";
  EXPECT_EQ(finished, 1);
}

TEST_F(SupervisorTest, no_restarts_means_none) {
  options_.restarts = 0;
  EXPECT_EQ(run("event run_started; kill -9 $$"), 75);
  EXPECT_EQ(starts(), 1);
}

TEST_F(SupervisorTest, a_start_that_failed_says_why) {
  EXPECT_EQ(run("echo '----------' >&2; echo 'There are not enough slots available' >&2; echo >&2; exit 1"),
            78);
  EXPECT_EQ(events_.text("message"), "the ranks could not start: There are not enough slots available");
  EXPECT_EQ(starts(), 1);
  EXPECT_EQ(run("echo 'PMIX ERROR: OUT-OF-RESOURCE in file x' >&2; exit 1"), 74);
  EXPECT_NE(events_.text("message").find("ulimit -n"), std::string::npos) << events_.last();
  options_.command = {"/nonexistent/mpirun"};
  EXPECT_THROW(supervise(options_, events_), Error);
}

TEST_F(SupervisorTest, a_stop_signal_is_passed_on_as_one_that_mpirun_leaves_alone) {
  for (const int number : {SIGTERM, SIGUSR1, SIGUSR2, SIGINT}) {
    Events events;
    events.then = [number](const Json& event) {
      if (event.at("event") == "run_started") kill(getpid(), number);
    };
    events_ = events;
    EXPECT_EQ(run("trap 'event note; exit 75' USR1; event run_started; while :; do sleep 0.01; done"),
              number == SIGINT ? 130 : 75);
    EXPECT_EQ(events_.text("status"), "stopped");
  }
}

TEST_F(SupervisorTest, work_that_finishes_in_spite_of_the_signal_is_done) {
  events_.then = [](const Json& event) {
    if (event.at("event") == "run_started") kill(getpid(), SIGTERM);
  };
  EXPECT_EQ(run("trap 'event run_finished; exit 0' USR1; event run_started; while :; do sleep 0.01; done"),
            0);
}

TEST_F(SupervisorTest, a_second_interrupt_ends_ranks_that_do_not_stop) {
  events_.then = [](const Json& event) {
    if (event.at("event") == "run_started" || event.value("text", "").starts_with("SIGINT"))
      kill(getpid(), SIGINT);
  };
  EXPECT_EQ(run("trap '' USR1 TERM; event run_started; while :; do sleep 0.01; done"), 130);
  EXPECT_EQ(starts(), 1);
}

TEST_F(SupervisorTest, a_second_interrupt_is_one_whatever_mpirun_says) {
  options_.through_mpirun = true;
  events_.then = [](const Json& event) {
    if (event.at("event") == "run_started" || event.value("text", "").starts_with("SIGINT"))
      kill(getpid(), SIGINT);
  };
  EXPECT_EQ(run("trap '' USR1; trap 'exit 1' TERM; event run_started; while :; do sleep 0.01; done"), 130);
  EXPECT_EQ(events_.text("status"), "stopped");
}

TEST_F(SupervisorTest, silence_is_ended_and_named) {
  options_.hang_limit = 0.3;
  EXPECT_EQ(run("event heartbeat ',\"silent\":[3],\"step\":\"train\",\"collective\":\"all_reduce\"'; kill "
                "-STOP $$"),
            75);
  EXPECT_NE(
      events_.text("message").find("rank 3 gave no sign of life for 0.30 s in step \"train\" (all_reduce)"),
      std::string::npos)
      << events_.last();
}

TEST_F(SupervisorTest, a_rank_that_stays_silent_is_a_hang_though_rank_0_lives) {
  options_.hang_limit = 0.3;
  EXPECT_EQ(run("while :; do event heartbeat ',\"silent\":[2]'; sleep 0.01; done"), 75);
  EXPECT_NE(events_.text("message").find("rank 2"), std::string::npos);
}

TEST_F(SupervisorTest, a_slow_rank_is_no_hang) {
  options_.hang_limit = 1;
  EXPECT_EQ(run("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do event heartbeat ',\"silent\":[2]'; sleep 0.1; event "
                "heartbeat; done\n"
                "event run_finished"),
            0);
}

TEST_F(SupervisorTest, mpirun_that_ignores_the_end_is_killed) {
  options_.hang_limit = 0.2;
  options_.kill_grace = 0.2;
  options_.through_mpirun = true;
  EXPECT_EQ(run("trap '' TERM; event run_started; while :; do sleep 0.01; done"), 75);
}

TEST_F(SupervisorTest, ranks_that_stopped_because_another_died_start_again) {
  options_.through_mpirun = true;
  EXPECT_EQ(
      run("event run_started; [ $ATTEMPT = 2 ] && event run_finished && exit 0\n"
          "event run_finished ',\"status\":\"stopped\"'\n"
          "echo 'mpirun noticed that process rank 2 with PID 0 on node n7 exited on signal 9 (Killed).' >&2; "
          "exit 75"),
      0);
  EXPECT_EQ(starts(), 2);
}

TEST_F(SupervisorTest, the_rank_that_died_is_named_from_what_mpirun_says) {
  options_.restarts = 0;
  options_.through_mpirun = true;
  EXPECT_EQ(run("event run_started\n"
                "echo 'mpirun noticed that process rank 1 with PID 0 on node n7 exited on signal 9 "
                "(Killed).' >&2; exit 137"),
            75);
  EXPECT_TRUE(events_.text("message").starts_with("rank 1 (n7) died (signal 9, Killed)")) << events_.last();
}

TEST_F(SupervisorTest, nobody_outlives_the_supervisor) {
  const pid_t supervisor = fork();
  ASSERT_GE(supervisor, 0);
  if (supervisor == 0) {
    run("echo $$ > pid.new; mv pid.new pid; while :; do sleep 0.01; done");
    _exit(0);
  }
  const double limit = monotonic_seconds() + 20;
  while (!exists(folder_ + "/pid") && monotonic_seconds() < limit) std::this_thread::yield();
  const pid_t rank = std::stoi(file("pid"));
  EXPECT_EQ(kill(rank, 0), 0);
  kill(supervisor, SIGKILL);
  while (kill(rank, 0) == 0 && monotonic_seconds() < limit) std::this_thread::yield();
  EXPECT_NE(kill(rank, 0), 0) << "the rank lives on";
}

TEST(Mpirun, command_line) {
  const auto enough = mpirun_command(2, 2, {"rankflow-rank", "run"});
  EXPECT_EQ(std::vector<std::string>(enough.begin() + 1, enough.end()),
            (std::vector<std::string>{"-n", "2", "--bind-to", "none", "rankflow-rank", "run"}));
  const auto crowded = mpirun_command(4, 2, {"rankflow-rank"});
  EXPECT_NE(std::find(crowded.begin(), crowded.end(), "--oversubscribe"), crowded.end());
  const auto variables = mpirun_environment(4, 2);
  EXPECT_EQ(variables.empty() ? "" : variables[0].first, "OMPI_MCA_mpi_yield_when_idle");
  EXPECT_GE(usable_cores(), 1);
}

TEST(Mpirun, important_lines_are_few) {
  EXPECT_EQ(important_lines("----\n\n  a\nb\na\n====\nc\n", 2), (std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace rankflow
