// Programs started through the helper: results, logs, no shell, signals, and no orphans.
#include "runtime/spawner.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/clock.h"
#include "base/text.h"
#include "io/file.h"
#include "runtime/spawner_gone.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

// Waits for the end of a process that is no child of this one; false where it is not over after `seconds`. Over it is,
// too, while nobody has waited for it yet. (Reading /proc/PID/stat until it is gone fails where the process goes between
// open and read.)
bool ends_within(pid_t pid, double seconds) {
  const int process = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (process < 0) {
    EXPECT_EQ(errno, ESRCH) << std::strerror(errno);
    return true;
  }
  pollfd wait{process, POLLIN, 0};
  const int ready = poll(&wait, 1, static_cast<int>(seconds * 1000));
  close(process);
  return ready == 1;
}

class SpawnerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              str("spawner-", getpid(), "-", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(folder_);
    spawner_ = Spawner::start();
  }
  void TearDown() override {
    spawner_.reset();
    fs::remove_all(folder_);
  }
  SpawnRequest request(std::vector<std::string> argv) const {
    return {
        std::move(argv), {"PATH=/usr/bin:/bin", "COLOUR=blue"}, folder_.string(), (folder_ / "log").string()};
  }
  std::string log() const { return read_file((folder_ / "log").string()); }
  static std::optional<double> forever() { return std::nullopt; }

  fs::path folder_;
  std::unique_ptr<Spawner> spawner_;
};

TEST_F(SpawnerTest, PassesArgumentsWithoutAShell) {
  EXPECT_TRUE(spawner_->run(request({"echo", "$(touch canary)", "a  b", "*"}), forever).ok());
  EXPECT_EQ(log(), "$(touch canary) a  b *\n");
  EXPECT_FALSE(fs::exists(folder_ / "canary"));
}

TEST_F(SpawnerTest, ReportsExitCodeSignalAndMissingProgram) {
  EXPECT_EQ(spawner_->run(request({"sh", "-c", "exit 7"}), forever).exit_code, 7);
  EXPECT_EQ(spawner_->run(request({"sh", "-c", "kill -SEGV $$"}), forever).signal, SIGSEGV);
  const auto missing = spawner_->run(request({"no-such-program"}), forever);
  EXPECT_NE(missing.error.find("cannot start no-such-program: No such file"), std::string::npos)
      << missing.error;
}

TEST_F(SpawnerTest, GivesTheProgramItsEnvironmentAndFolderOnly) {
  EXPECT_TRUE(spawner_->run(request({"sh", "-c", "echo $COLOUR $HOME $(pwd)"}), forever).ok());
  EXPECT_EQ(log(), "blue " + folder_.string() + "\n");
}

TEST_F(SpawnerTest, EndsAProgramThatIsNoLongerWanted) {
  const auto result = spawner_->run(request({"sleep", "600"}), [] { return std::optional<double>(5); });
  EXPECT_EQ(result.signal, SIGTERM);
}

TEST_F(SpawnerTest, KillsAProgramThatIgnoresTheTermination) {
  const auto result =
      spawner_->run(request({"sh", "-c", "trap '' TERM; while :; do read x < /dev/zero; done"}),
                    [] { return std::optional<double>(0.2); });
  EXPECT_EQ(result.signal, SIGKILL);
}

TEST_F(SpawnerTest, EndsWhatAProgramLeavesBehind) {
  EXPECT_TRUE(spawner_->run(request({"sh", "-c", "sleep 600 & echo $!"}), forever).ok());
  const pid_t left = std::stoi(log());
  EXPECT_TRUE(ends_within(left, 10)) << "the background process is still there";
}

TEST_F(SpawnerTest, ChildrenDieWithTheProcessThatAskedForThem) {
  const pid_t rank = fork();
  ASSERT_GE(rank, 0);
  if (rank == 0) {
    auto spawner = Spawner::start();
    spawner->run(request({"sh", "-c", "echo $$ > pid; exec sleep 600"}), forever);
    _exit(0);
  }
  const double patience = monotonic_seconds() + 10;
  const std::string pid_file = (folder_ / "pid").string();
  while ((!exists(pid_file) || read_file(pid_file).empty()) && monotonic_seconds() < patience) usleep(1000);
  const pid_t child = std::stoi(read_file(pid_file));
  EXPECT_FALSE(ends_within(child, 0));
  kill(rank, SIGKILL);
  waitpid(rank, nullptr, 0);
  EXPECT_TRUE(ends_within(child, 10)) << "the program outlived its rank";
}

TEST_F(SpawnerTest, SaysThatTheHelperGivesNoSignOfLife) {
  double most = 0;
  const auto lives = [&]() -> std::optional<double> {
    most = std::max(most, spawner_->silent());
    return std::nullopt;
  };
  EXPECT_TRUE(spawner_->run(request({"sleep", "2.5"}), lives).ok());
  EXPECT_LT(most, 2);
  const auto until_silent = [&]() -> std::optional<double> {
    if (spawner_->silent() < 2) return std::nullopt;
    kill(std::stoi(log()), SIGCONT);
    return 5;
  };
  EXPECT_EQ(spawner_->run(request({"sh", "-c", "echo $PPID; kill -STOP $PPID; exec sleep 600"}), until_silent)
                .signal,
            SIGTERM);
  EXPECT_EQ(spawner_->silent(), 0);
}

TEST_F(SpawnerTest, SaysThatTheHelperHasEnded) {
  EXPECT_THROW(spawner_->run(request({"sh", "-c", "kill -KILL $PPID; exec sleep 600"}), forever),
               SpawnerGone);
}

TEST_F(SpawnerTest, StartsMany) {
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(spawner_->run(request({"true"}), forever).ok());
}

}  // namespace
}  // namespace rankflow
