#include "io/tree.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/error.h"
#include "base/sha256.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

ExitStatus listing_status(const std::string& path) {
  try {
    list_tree(path);
  } catch (const Error& e) {
    return e.status();
  }
  return ExitStatus::ok;
}

TEST(Tree, ListsFilesSortedByPath) {
  TemporaryFolder folder;
  make_directories(folder / "b/empty");
  for (const char* name : {"b/z", "b-c", "a", "b/a"}) write_file_atomically(folder / name, name);
  chmod((folder / "a").c_str(), 0755);
  std::vector<std::string> paths;
  for (const auto& entry : list_tree(folder.path() + "/")) {
    paths.push_back(entry.path);
    EXPECT_EQ(entry.size, entry.path.size());
    EXPECT_EQ(entry.executable, entry.path == "a");
  }
  EXPECT_EQ(paths, (std::vector<std::string>{"a", "b-c", "b/a", "b/z"}));
}

TEST(Tree, FollowsLinksToFilesInsideOnly) {
  TemporaryFolder folder;
  make_directories(folder / "root/sub");
  write_file_atomically(folder / "root/a", "abc");
  write_file_atomically(folder / "outside", "abc");
  std::filesystem::create_symlink("../a", folder / "root/sub/inside");
  ASSERT_EQ(list_tree(folder / "root").size(), 2u);
  EXPECT_EQ(list_tree(folder / "root")[1].size, 3u);
  for (const std::string target : {"../../outside", "/etc/passwd", "nowhere", "..", "."}) {
    std::filesystem::create_symlink(target, folder / "root/sub/bad");
    EXPECT_EQ(listing_status(folder / "root"), ExitStatus::bad_data) << target;
    std::filesystem::remove(folder / "root/sub/bad");
  }
}

TEST(Tree, RefusesWhatIsNoFile) {
  TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(listing_status(folder.path()), ExitStatus::bad_data);
  EXPECT_EQ(listing_status(folder / "missing"), ExitStatus::io);
}

TEST(Tree, DigestFollowsPathsContentsAndModes) {
  TemporaryFolder folder;
  FileMemory memory("");
  const auto digest = [&] { return content_digest(folder / "d", memory); };
  make_directories(folder / "d");
  write_file_atomically(folder / "d/a", "one");
  EXPECT_EQ(content_digest(folder / "d/a", memory), sha256("one"));
  const std::string first = digest();
  EXPECT_EQ(digest(), first);
  write_file_atomically(folder / "d/a", "two");
  EXPECT_NE(digest(), first);
  write_file_atomically(folder / "d/a", "one");
  EXPECT_EQ(digest(), first);  // times don't count
  make_directories(folder / "d/empty");
  EXPECT_EQ(digest(), first);  // nor do empty folders
  chmod((folder / "d/a").c_str(), 0755);
  EXPECT_NE(digest(), first);
  chmod((folder / "d/a").c_str(), 0644);
  std::filesystem::rename(folder / "d/a", folder / "d/b");
  EXPECT_NE(digest(), first);
}

TEST(Tree, DigestOfSomethingMissingNamesIt) {
  TemporaryFolder folder;
  FileMemory memory("");
  try {
    content_digest(folder / "missing", memory);
    FAIL() << "a digest of nothing";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::io);
    EXPECT_NE(e.message().find(folder / "missing"), std::string::npos);
  }
}

}  // namespace
}  // namespace rankflow
