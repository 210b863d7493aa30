#include "io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat s {};
  EXPECT_EQ(stat(path.c_str(), &s), 0) << path;
  return s.st_mode & 07777;
}

ExitStatus status_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.status();
  }
  return ExitStatus::ok;
}

/// Sets the umask for one scope.
struct Umask {
  explicit Umask(mode_t mask) : before(umask(mask)) {}
  ~Umask() { umask(before); }
  mode_t before;
};

TEST(File, WritesAndReadsBack) {
  TemporaryFolder folder;
  std::string text(3'000'000, 'x');
  text[1'234'567] = '\0';
  write_file_atomically(folder / "a", text);
  EXPECT_EQ(read_file(folder / "a"), text);
  write_file_atomically(folder / "a", "", /*durable=*/false);
  EXPECT_EQ(read_file(folder / "a"), "");
}

TEST(File, ReadsFilesWhoseSizeTheSystemDoesNotTell) {
  EXPECT_FALSE(read_file("/proc/self/status").empty());
}

TEST(File, ErrorsNameThePath) {
  TemporaryFolder folder;
  try {
    read_file(folder / "missing");
    FAIL() << "read a missing file";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::io);
    EXPECT_EQ(e.message(), "cannot open " + folder / "missing" + ": No such file or directory");
  }
}

TEST(File, FullDeviceIsAnErrorWithBytesAndPath) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  File full("/dev/full", O_WRONLY);
  try {
    full.write_all("12345");
    FAIL() << "wrote to a full device";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::io);
    EXPECT_EQ(e.message(), "cannot write 5 bytes to /dev/full: No space left on device");
  }
}

TEST(File, RefusesFifosWithoutWaiting) {
  TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(status_of([&] { read_file(folder / "fifo"); }), ExitStatus::bad_data);
  FileStamp stamp;
  EXPECT_EQ(status_of([&] { stamp_of(folder / "fifo", stamp); }), ExitStatus::bad_data);
}

TEST(File, AtomicWriteLeavesNothingBehindWhenItFails) {
  TemporaryFolder folder;
  make_directories(folder / "target/inside");  // rename(2) can't replace a folder by a file
  EXPECT_EQ(status_of([&] { write_file_atomically(folder / "target", "x"); }), ExitStatus::io);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, AtomicWriteReplacesALinkAndNotItsTarget) {
  TemporaryFolder folder;
  write_file_atomically(folder / "target", "old");
  std::filesystem::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_EQ(read_file(folder / "target"), "old");
  EXPECT_EQ(read_file(folder / "link"), "new");
}

TEST(File, ModesDoNotDependOnTheUmask) {
  for (const mode_t mask : {0, 022, 077}) {
    TemporaryFolder folder;
    Umask scope(mask);
    make_directories(folder / "a/b/c");
    write_file_atomically(folder / "a/file", "x");
    File created(folder / "a/log", O_WRONLY | O_CREAT | O_APPEND);
    EXPECT_EQ(mode_of(folder / "a"), 02775u);
    EXPECT_EQ(mode_of(folder / "a/b/c"), 02775u);
    EXPECT_EQ(mode_of(folder / "a/file"), 0664u);
    EXPECT_EQ(mode_of(folder / "a/log"), 0664u);
  }
}

TEST(File, KeepsTheModeOfAFileThatIsThere) {
  TemporaryFolder folder;
  write_file_atomically(folder / "a", "x");
  ASSERT_EQ(chmod((folder / "a").c_str(), 0600), 0);
  File(folder / "a", O_WRONLY | O_CREAT).close();
  EXPECT_EQ(mode_of(folder / "a"), 0600u);
}

TEST(File, MakesAndRemovesFolders) {
  TemporaryFolder folder;
  make_directories(folder / "a/b");
  make_directories(folder / "a/b");
  write_file_atomically(folder / "a/b/c", "x");
  EXPECT_EQ(status_of([&] { make_directories(folder / "a/b/c/d"); }), ExitStatus::io);
  std::filesystem::create_symlink(folder.path(), folder / "a/link");
  remove_tree(folder / "a");
  EXPECT_FALSE(exists(folder / "a"));
  EXPECT_TRUE(exists(folder.path()));
  remove_tree(folder / "a");
}

TEST(File, FoldersThatCanNotBeMadeAreAnErrorAtOnce) {
  // The system says of both that something is missing, though the folder above is there.
  EXPECT_EQ(status_of([] { make_directories("/proc/nosuch/store"); }), ExitStatus::io);
  TemporaryFolder folder;
  std::filesystem::create_symlink("nowhere", folder / "link");
  for (const std::string& path : {folder / "link", folder / "link/below"}) {
    try {
      make_directories(path);
      FAIL() << "made " << path;
    } catch (const Error& e) {
      EXPECT_EQ(e.message(),
                "cannot create the folder " + folder / "link" + ": it is a symbolic link that leads nowhere");
    }
  }
}

TEST(File, FoldersAreMadeByManyAtOnce) {
  TemporaryFolder folder;
  for (int round = 0; round < 300; ++round) {
    const std::string path = folder / str(round, "/a/b");
    std::atomic<int> failed = 0;
    std::vector<std::thread> makers;
    for (int i = 0; i < 4; ++i) {
      makers.emplace_back([&, i] {
        try {
          make_directories(str(path, "/", i));
        } catch (const std::exception&) {
          ++failed;
        }
      });
    }
    for (auto& maker : makers) maker.join();
    ASSERT_EQ(failed, 0) << "round " << round;
  }
}

TEST(File, ResolvesPaths) {
  TemporaryFolder folder;
  EXPECT_EQ(absolute_path("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(absolute_path("x"), std::filesystem::current_path().string() + "/x");
  EXPECT_EQ(absolute_path("/"), "/");
  make_directories(folder / "a/b");
  std::filesystem::create_symlink("a/b", folder / "link");
  EXPECT_EQ(absolute_path(folder / "link/../x"), std::filesystem::canonical(folder / "a").string() + "/x");
  EXPECT_EQ(parent_of("/a/b"), "/a");
  EXPECT_EQ(parent_of("/a"), "/");
  EXPECT_EQ(parent_of("/"), "/");
  EXPECT_EQ(parent_of("a"), ".");
  EXPECT_EQ(parent_of("a/b/"), "a");
}

TEST(File, StampsTellChanges) {
  TemporaryFolder folder;
  FileStamp before, after;
  EXPECT_FALSE(stamp_of(folder / "a", before));
  write_file_atomically(folder / "a", "x");
  ASSERT_TRUE(stamp_of(folder / "a", before));
  ASSERT_TRUE(stamp_of(folder / "a", after));
  EXPECT_EQ(before, after);
  EXPECT_EQ(before.size, 1u);
  write_file_atomically(folder / "b", "y");  // while a is there, so that b gets another inode
  std::filesystem::rename(folder / "b", folder / "a");
  ASSERT_TRUE(stamp_of(folder / "a", after));
  EXPECT_FALSE(before == after);
}

}  // namespace
}  // namespace rankflow
