#include "io/path_glob.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

class PathGlobTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* file : {"a.csv", "b.csv", ".hidden.csv", "x[1].csv", "one/a.csv", "one/deep/c.csv",
                             "two/a.csv", "two/notes.txt", ".dot/a.csv"}) {
      make_directories(parent_of(folder / file));
      write_file_atomically(folder / file, "", false);
    }
  }
  /// Paths below the folder, joined by blanks.
  std::string matched(const std::string& glob) {
    std::string all;
    for (const std::string& path : paths_matching(folder / glob))
      all += (all.empty() ? "" : " ") + path.substr((folder / "").size());
    return all;
  }
  TemporaryFolder folder;
};

TEST_F(PathGlobTest, WildcardsStayWithinAComponent) {
  EXPECT_EQ(matched("*.csv"), "a.csv b.csv x[1].csv");
  EXPECT_EQ(matched("*/a.csv"), "one/a.csv two/a.csv");
  EXPECT_EQ(matched("?[wn]?/*"), "one/a.csv one/deep two/a.csv two/notes.txt") << "also folders";
  EXPECT_EQ(matched("[ab].csv"), "a.csv b.csv");
  EXPECT_EQ(matched("t*o"), "two");
  EXPECT_EQ(matched("*.parquet"), "");
  EXPECT_EQ(matched("a.csv/*"), "") << "a file holds nothing";
  EXPECT_EQ(matched("none/*"), "");
}

TEST_F(PathGlobTest, TwoStarsAreFoldersAtAnyDepth) {
  EXPECT_EQ(matched("**/a.csv"), "a.csv one/a.csv two/a.csv");
  EXPECT_EQ(matched("one/**"), "one/a.csv one/deep/c.csv") << "files only";
  EXPECT_EQ(matched("**/**/c.csv"), "one/deep/c.csv");
  ASSERT_EQ(::symlink((folder / "").c_str(), (folder / "one/loop").c_str()), 0);
  EXPECT_EQ(matched("**/a.csv"), "a.csv one/a.csv two/a.csv") << "a link back up is not followed";
}

TEST_F(PathGlobTest, BelowAFolderItsOwnNameIsNoGlob) {
  const std::string odd = folder / "odd[1]*";
  make_directories(odd + "/s/t");
  for (const char* file : {"/a.csv", "/s/b.csv", "/s/t/c.csv"}) write_file_atomically(odd + file, "", false);
  EXPECT_EQ(join(paths_below(odd, "**/*.csv"), " "),
            str(odd, "/a.csv ", odd, "/s/b.csv ", odd, "/s/t/c.csv"));
  EXPECT_EQ(join(paths_below(odd, "*.csv"), " "), odd + "/a.csv");
  ASSERT_EQ(::symlink((odd + "/s").c_str(), (odd + "/link").c_str()), 0);
  EXPECT_EQ(paths_below(odd, "**/b.csv").size(), 1u);
  EXPECT_EQ(paths_below(odd, "**/b.csv", {odd + "/link"}).size(), 2u);
}

TEST_F(PathGlobTest, ALinkToNothingIsNoFile) {
  ASSERT_EQ(::symlink("/nowhere", (folder / "one/b.csv").c_str()), 0);
  EXPECT_THROW(matched("one/*.csv"), Error);
  EXPECT_EQ(matched("one/a*"), "one/a.csv");
}

TEST_F(PathGlobTest, DotsAreNamed) {
  EXPECT_EQ(matched(".*.csv"), ".hidden.csv");
  EXPECT_EQ(matched(".dot/*"), ".dot/a.csv");
}

TEST(FixedFolder, EndsBeforeTheFirstWildcard) {
  EXPECT_EQ(fixed_folder("/data/2024-*/part-*.csv"), "/data");
  EXPECT_EQ(fixed_folder("/data/x/*.csv"), "/data/x");
  EXPECT_EQ(fixed_folder("/*.csv"), "/");
}

}  // namespace
}  // namespace rankflow
