#include "base/path_pattern.h"

#include <gtest/gtest.h>

namespace rankflow {
namespace {

using Verdict = IgnoreRules::Verdict;

TEST(PathPattern, Globs) {
  EXPECT_TRUE(glob_matches("*.py", "a.py"));
  EXPECT_FALSE(glob_matches("*.py", "lib/a.py"));
  EXPECT_TRUE(glob_matches("lib/*.py", "lib/a.py"));
  EXPECT_TRUE(glob_matches("**/*.py", "a.py"));
  EXPECT_TRUE(glob_matches("**/*.py", "x/y/a.py"));
  EXPECT_TRUE(glob_matches("lib/**", "lib/x/y"));
  EXPECT_TRUE(glob_matches("a/**/b/*.c", "a/x/b/y/b/z.c"));
  EXPECT_FALSE(glob_matches("a/**/b/*.c", "a/x/b/y/z.c"));
  EXPECT_TRUE(glob_matches("data-?[0-9].csv", "data-x7.csv"));
  EXPECT_FALSE(glob_matches("**/a", "b"));
  EXPECT_TRUE(is_glob("x[1]"));
  EXPECT_FALSE(is_glob("lib/a.py"));
}

TEST(PathPattern, ManyDoubleStarsTakeNoTime) {
  std::string glob, path;
  for (int i = 0; i < 40; ++i) {
    glob += "**/a/";
    path += "a/a/";
  }
  EXPECT_FALSE(glob_matches(glob + "b", path + "c"));
}

TEST(IgnoreRules, NamesMatchAtAnyDepth) {
  const IgnoreRules rules("# comment\n\n*.pyc\nbuild/\n");
  EXPECT_EQ(rules.judge("a/b/x.pyc", false), Verdict::ignore);
  EXPECT_EQ(rules.judge("a/build", true), Verdict::ignore);
  EXPECT_EQ(rules.judge("a/build", false), Verdict::none) << "a file of that name is no folder";
  EXPECT_EQ(rules.judge("x.py", false), Verdict::none);
  EXPECT_EQ(rules.judge("# comment", false), Verdict::none);
}

TEST(IgnoreRules, SlashesAnchor) {
  const IgnoreRules rules("/top.txt\ndoc/*.txt\nlogs/**\n**/cache\n");
  EXPECT_EQ(rules.judge("top.txt", false), Verdict::ignore);
  EXPECT_EQ(rules.judge("a/top.txt", false), Verdict::none);
  EXPECT_EQ(rules.judge("doc/a.txt", false), Verdict::ignore);
  EXPECT_EQ(rules.judge("a/doc/a.txt", false), Verdict::none);
  EXPECT_EQ(rules.judge("logs", true), Verdict::none);
  EXPECT_EQ(rules.judge("logs/a/b", false), Verdict::ignore);
  EXPECT_EQ(rules.judge("a/b/cache", true), Verdict::ignore);
}

TEST(IgnoreRules, LastMatchDecides) {
  const IgnoreRules rules("*.txt\n!keep.txt\n\\!odd\r\n");
  EXPECT_EQ(rules.judge("a.txt", false), Verdict::ignore);
  EXPECT_EQ(rules.judge("keep.txt", false), Verdict::keep);
  EXPECT_EQ(rules.judge("!odd", false), Verdict::ignore);
  EXPECT_TRUE(IgnoreRules("# nothing\n\n").empty());
}

}  // namespace
}  // namespace rankflow
