#include "runtime/code_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "io/store.h"
#include "runtime/plan_disk.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CodeFilesTest : public ::testing::Test {
 protected:
  CodeFilesTest() {
    for (const char* name : {"train.py", "lib/a.py", "lib/deep/b.py", "lib/a.pyc", "lib/__pycache__/a.py",
                             ".git/config", ".rankflow/store.json", "data/x.csv"}) {
      put(name, name);
    }
  }
  void put(const std::string& name, const std::string& content) {
    make_directories(folder / name.substr(0, name.find('/') == std::string::npos ? 0 : name.rfind('/')));
    write_file_atomically(folder / name, content, false);
  }
  std::vector<std::string> code(const std::string& pattern) {
    return code_files(pattern, folder.path(), true);
  }
  std::vector<std::string> hash(const std::string& pattern) {
    return code_files(pattern, folder.path(), false);
  }

  TemporaryFolder folder;
};

TEST_F(CodeFilesTest, FilesFoldersAndGlobs) {
  EXPECT_THAT(code("train.py"), ElementsAre("train.py"));
  EXPECT_THAT(code("./train.py"), ElementsAre("train.py"));
  EXPECT_THAT(code("lib/"), ElementsAre("lib/a.py", "lib/a.pyc", "lib/deep/b.py"));
  EXPECT_THAT(code("."), ElementsAre("data/x.csv", "lib/a.py", "lib/a.pyc", "lib/deep/b.py", "train.py"));
  EXPECT_THAT(hash("*.py"), ElementsAre("train.py"));
  EXPECT_THAT(hash("lib/*.py"), ElementsAre("lib/a.py"));
  EXPECT_THAT(hash("**/*.py"), ElementsAre("lib/a.py", "lib/deep/b.py", "train.py"));
  EXPECT_THAT(hash("lib/**"), ElementsAre("lib/a.py", "lib/a.pyc", "lib/deep/b.py"));
  EXPECT_THAT(hash(folder / "lib/*.py"), ElementsAre(folder / "lib/a.py"));
  EXPECT_THAT(code_files("../train.py", folder / "lib", true), ElementsAre("../train.py"));
}

TEST_F(CodeFilesTest, NothingThere) {
  EXPECT_THAT(code("missing.py"), IsEmpty());
  EXPECT_THAT(code("train.py/x"), IsEmpty());
  EXPECT_THAT(hash("missing/*.py"), IsEmpty());
  EXPECT_THAT(hash("*.c"), IsEmpty());
}

TEST_F(CodeFilesTest, IgnoreFilesHoldForCodeOnly) {
  put(".gitignore", "*.pyc\ndata/\n.gitignore\n");
  EXPECT_THAT(code("."), ElementsAre("lib/a.py", "lib/deep/b.py", "train.py"));
  EXPECT_THAT(hash("data/*.csv"), ElementsAre("data/x.csv"));
  EXPECT_THAT(code("data"), ElementsAre("data/x.csv")) << "named outright";
  put("lib/.rankflowignore", "*\n!*.pyc\n");
  put("lib/.gitignore", "a.pyc\n");
  EXPECT_THAT(code("."), ElementsAre("lib/a.pyc", "train.py"))
      << ".rankflowignore takes the place of .gitignore, and the inner file decides";
}

TEST_F(CodeFilesTest, IgnoreFilesAboveInTheWorkTreeCount) {
  put(".gitignore", "/lib/*.pyc\n");
  EXPECT_THAT(code_files("*.py*", folder / "lib", true), ElementsAre("a.py"));
}

TEST_F(CodeFilesTest, LinksAreFollowedAndLoopsEnd) {
  ASSERT_EQ(::symlink("..", (folder / "lib/up").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", (folder / "lib/dangling").c_str()), 0);
  ASSERT_EQ(::symlink("../data", (folder / "lib/data").c_str()), 0);
  EXPECT_THAT(code("lib"), ElementsAre("lib/a.py", "lib/a.pyc", "lib/data/x.csv", "lib/deep/b.py",
                                       "lib/up/data/x.csv", "lib/up/train.py"));
}

TEST_F(CodeFilesTest, APipeIsRefused) {
  ASSERT_EQ(::mkfifo((folder / "lib/pipe").c_str(), 0600), 0);
  try {
    code("lib");
    FAIL() << "the pipe was taken for a file";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    EXPECT_EQ(e.message(), folder / "lib/pipe" + " is neither a file nor a folder, so it can't be hashed");
  }
}

TEST_F(CodeFilesTest, ProgramsAreFoundAsExecvpDoes) {
  FileMemory memory("");
  Store store(folder / "store", memory);
  const auto disk = make_plan_disk(store, memory, nullptr);
  ASSERT_EQ(::chmod((folder / "lib/a.py").c_str(), 0755), 0);
  const std::string path = "/nowhere:lib:" + folder.path();
  EXPECT_EQ(disk->find_program("lib/a.py", folder.path(), path), folder / "lib/a.py");
  EXPECT_EQ(disk->find_program("a.py", folder.path(), path), folder / "lib/a.py");
  EXPECT_EQ(disk->find_program("train.py", folder.path(), path), "") << "not executable";
  EXPECT_EQ(disk->find_program("./lib", folder.path(), path), "") << "a folder";
  EXPECT_EQ(disk->find_program("a.py", folder / "lib", "/nowhere"), "") << "not in the search path";
}

}  // namespace
}  // namespace rankflow
