// What killed runs leave in the store is removed; what living ones write is not.
#include "runtime/abandoned.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temporary_folder.h"

namespace rankflow {
namespace {

class AbandonedTest : public testing::Test {
 protected:
  void SetUp() override { store_.prepare_for_writing(); }

  // A run with unpublished output; returns the staging directory's path, which nobody removes any more.
  std::string leave(const std::string& run, const Json& fields) {
    RunRecord record(store_, run);
    record.json().update(fields);
    record.save(false);
    Staging staging = store_.stage(run);
    std::string path = staging.path();
    staging.release();
    return path;
  }

  TemporaryFolder folder_;
  FileMemory memory_{""};
  Store store_{folder_ / "store", memory_};
};

TEST_F(AbandonedTest, RemovesWhatEndedRunsLeft) {
  const std::string left = leave("ended", {{"status", "stopped"}});
  remove_abandoned(store_);
  EXPECT_FALSE(exists(left));
}

TEST_F(AbandonedTest, KeepsWhatALivingRunWrites) {
  RunRecord record(store_, "living");
  claim_run(record);
  const std::string writing = leave("living", {{"status", "running"}, {"process", record.json()["process"]}});
  remove_abandoned(store_);
  EXPECT_TRUE(exists(writing));
}

TEST_F(AbandonedTest, RemovesWhatADeadProcessOfThisHostLeft) {
  RunRecord record(store_, "killed");
  claim_run(record);
  Json process = record.json()["process"];
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  process["pid"] = child;
  const std::string left = leave("killed", {{"status", "running"}, {"process", process}});
  remove_abandoned(store_);
  EXPECT_FALSE(exists(left));
}

TEST_F(AbandonedTest, KeepsWhatMayBeWrittenOnAnotherHost) {
  const std::string elsewhere =
      leave("elsewhere", {{"status", "running"}, {"process", {{"host", "no-such-host"}, {"pid", 1}}}});
  const std::string unknown = leave("unknown", {{"status", "running"}});
  Staging nobodys = store_.stage();
  remove_abandoned(store_);
  EXPECT_TRUE(exists(elsewhere));
  EXPECT_TRUE(exists(unknown));
  EXPECT_TRUE(exists(nobodys.path()));
}

}  // namespace
}  // namespace rankflow
