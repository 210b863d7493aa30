#include "runtime/run_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

class RunRecordTest : public ::testing::Test {
 protected:
  // A finished run whose pipeline file is /project/<file> and that has `step`.
  void put(const std::string& id, const std::string& file = "a.yaml", const std::string& step = "train") {
    RunRecord record(store, id);
    record.json()["pipeline_file"] = "/project/" + file;
    record.json()["steps"][step] = {{"ingredients", {{"type", "make"}}}, {"status", "done"}};
    record.save(false);
  }
  void damage(const std::string& id, const std::string& content) {
    write_file_atomically(RunLayout{layout.run(id)}.record(), content, false);
  }
  std::string error_of(const std::string& id, ExitStatus status) {
    try {
      load_run(layout, id);
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), status);
      return describe(e);
    }
    ADD_FAILURE() << id << " was loaded";
    return "";
  }

  TemporaryFolder folder;
  FileMemory memory{""};
  Store store{folder / "store", memory};
  StoreLayout layout = store.layout();
};

TEST_F(RunRecordTest, IdsSortByTimeAndAreNames) {
  EXPECT_THAT(new_run_id("flights"), MatchesRegex("[0-9]{8}-[0-9]{6}-flights-[0-9a-f]{4}"));
  EXPECT_THAT(new_run_id("no name/.."), HasSubstr("-pipeline-"));
  EXPECT_TRUE(is_plain_name(new_run_id(std::string(100, 'x'))));
}

TEST_F(RunRecordTest, EveryRunGetsAFolderOfItsOwn) {
  std::vector<std::string> ids(40);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i)
        ids[static_cast<std::size_t>(t * 10 + i)] = RunRecord::create(store, "flights").id();
    });
  }
  for (auto& thread : threads) thread.join();
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
  struct stat info {};
  ASSERT_EQ(::stat(layout.run(ids.front()).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 02775u);
}

TEST_F(RunRecordTest, RoundTrip) {
  RunRecord record(store, "20260101-000000-a-1234");
  record.json()["status"] = "done";
  record.json()["steps"] = {{"train", {{"seconds", 1.5}}}, {"äöü", {{"message", "bad \xff byte"}}}};
  record.save(true);
  const Json loaded = load_run(layout, record.id());
  EXPECT_EQ(loaded["run"], record.id());
  EXPECT_EQ(loaded["format"], 1);
  EXPECT_EQ(loaded["status"], "done");
  EXPECT_EQ(loaded["steps"]["train"]["seconds"], 1.5);
  EXPECT_EQ(loaded["steps"]["äöü"]["message"], "bad \xEF\xBF\xBD byte");
  EXPECT_THAT(read_file(record.layout().record()), HasSubstr("\n \"train\": {\"seconds\":1.5},\n"));
}

TEST_F(RunRecordTest, ARestartGoesOnWithTheRecord) {
  put("20260101-000000-a-1234");
  const RunRecord again(store, "20260101-000000-a-1234");
  EXPECT_EQ(again.json()["steps"]["train"]["status"], "done");
  damage(again.id(), "{\"steps\": ");
  EXPECT_EQ(RunRecord(store, again.id()).json(), Json({{"format", 1}, {"run", again.id()}}));
}

TEST_F(RunRecordTest, NamesThatLeadElsewhereAreRefused) {
  EXPECT_THROW(RunRecord(store, "../x"), Error);
  EXPECT_THROW(RunRecord(store, ""), Error);
  error_of("../x", ExitStatus::usage);
}

TEST_F(RunRecordTest, ListsNewestFirstWithoutDamagedOnes) {
  EXPECT_THAT(list_runs(layout), IsEmpty());
  put("20260101-000000-a-1111");
  put("20260103-000000-a-3333");
  put("20260102-000000-a-2222");
  put("20260104-000000-a-4444");
  put("20260105-000000-a-5555");
  put("20260106-000000-a-6666");
  damage("20260104-000000-a-4444", "{\"run\": \"cut o");
  damage("20260105-000000-a-5555", "");
  damage("20260106-000000-a-6666", "[1]");
  make_directories(layout.run("20260107-000000-a-7777"));
  EXPECT_THAT(list_runs(layout),
              ElementsAre("20260103-000000-a-3333", "20260102-000000-a-2222", "20260101-000000-a-1111"));
  const auto newest = load_runs(layout, 2);
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[1]["run"], "20260102-000000-a-2222");
  EXPECT_THAT(error_of("20260104-000000-a-4444", ExitStatus::io),
              HasSubstr("run.json is missing or damaged"));
}

TEST_F(RunRecordTest, RunsOfOneSecondAreInOrder) {
  put("20260101-000000-z-0001");
  put("20260101-000000-a-0002");
  put("20260101-000000-m-0003");
  EXPECT_THAT(list_runs(layout),
              ElementsAre("20260101-000000-m-0003", "20260101-000000-a-0002", "20260101-000000-z-0001"));
}

TEST_F(RunRecordTest, FindsByIdPrefixAndLatest) {
  EXPECT_THAT(error_of("latest", ExitStatus::usage), HasSubstr("there is no run in"));
  EXPECT_THAT(error_of("x", ExitStatus::usage), HasSubstr("there are no runs yet"));
  put("20260101-000000-a-1111");
  put("20260103-000000-a-3333");
  put("20260102-000000-a-2222");
  EXPECT_EQ(load_run(layout, "latest")["run"], "20260102-000000-a-2222") << "the one begun last";
  EXPECT_EQ(load_run(layout, "20260101-000000-a-1111")["run"], "20260101-000000-a-1111");
  EXPECT_EQ(load_run(layout, "20260103")["run"], "20260103-000000-a-3333");
  EXPECT_EQ(error_of("202601", ExitStatus::usage),
            "\"202601\" may be any of 3 runs. Try: newest: 20260103-000000-a-3333, 20260102-000000-a-2222, "
            "20260101-000000-a-1111");
  EXPECT_THAT(error_of("2027", ExitStatus::usage), HasSubstr("no run is called \"2027\""));
  write_file_atomically(layout.latest_run(), "", false);
  EXPECT_EQ(load_run(layout, "latest")["run"], "20260103-000000-a-3333")
      << "a damaged pointer is not trusted";
}

TEST_F(RunRecordTest, NewestRunOfAPipelineFileWithAStep) {
  put("20260101-000000-a-1111");
  put("20260102-000000-a-2222");
  put("20260103-000000-a-3333", "a.yaml", "other");
  put("20260104-000000-b-4444", "b.yaml");
  put("20260105-000000-a-5555");
  damage("20260105-000000-a-5555", "{");
  const auto found = newest_run_with_step(layout, "/project/./a.yaml", "train");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ((*found)["run"], "20260102-000000-a-2222");
  EXPECT_FALSE(newest_run_with_step(layout, "/project/c.yaml", "train").has_value());
  EXPECT_FALSE(newest_run_with_step(layout, "/project/a.yaml", "missing").has_value());
}

class GitStateTest : public ::testing::Test {
 protected:
  int git(const std::string& arguments) {
    const std::string command =
        "git -C '" + folder.path() + "' -c user.name=n -c user.email=e@x " + arguments;
    return std::system((command + " >/dev/null 2>&1").c_str());
  }
  TemporaryFolder folder;
};

TEST_F(GitStateTest, NoWorkTreeIsNull) {
  EXPECT_EQ(git_state(folder.path()), nullptr);
}

TEST_F(GitStateTest, CommitAndDirt) {
  if (git("--version") != 0) GTEST_SKIP() << "git is not installed";
  ASSERT_EQ(git("init"), 0);
  EXPECT_EQ(git_state(folder.path()), Json({{"commit", nullptr}, {"dirty", false}}));
  write_file_atomically(folder / "a.py", "1", false);
  ASSERT_EQ(git("add a.py"), 0);
  ASSERT_EQ(git("commit -m one"), 0);
  const Json clean = git_state(folder.path());
  EXPECT_THAT(clean["commit"].get<std::string>(), MatchesRegex("[0-9a-f]{40}"));
  EXPECT_EQ(clean["dirty"], false);
  write_file_atomically(folder / "untracked", "1", false);
  EXPECT_EQ(git_state(folder.path()), clean);
  write_file_atomically(folder / "a.py", "22", false);
  EXPECT_EQ(git_state(folder.path())["dirty"], true);
}

TEST_F(GitStateTest, WithoutGitItIsNull) {
  const std::string path = std::getenv("PATH");
  ::setenv("PATH", folder.path().c_str(), 1);
  const Json state = git_state(RANKFLOW_SOURCE_DIR);
  ::setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(state, nullptr);
}

}  // namespace
}  // namespace rankflow
