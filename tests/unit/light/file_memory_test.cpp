#include "io/file_memory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/clock.h"
#include "base/error.h"
#include "base/sha256.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

/// A file that has been left alone for longer than any clock's grain. ctime can't be set, so one that the
/// system wrote long ago serves: this test program's own.
std::string settled_file() {
  return "/proc/self/exe";
}

void wait_until_settled(const std::string& path) {
  FileStamp stamp;
  ASSERT_TRUE(stamp_of(path, stamp));
  while (unix_nanoseconds() - std::max(stamp.mtime_ns, stamp.ctime_ns) < 3 * kSecond) usleep(10'000);
}

class Counted {
 public:
  std::string operator()(FileMemory& memory, const std::string& path, char topic = 'x') {
    return memory.fact(path, topic, [this](const std::string& p) {
      ++calls;
      return "fact about " + p;
    });
  }
  int calls = 0;
};

class FileMemoryOfSettledFile : public ::testing::Test {
 protected:
  void SetUp() override { wait_until_settled(settled_file()); }
  TemporaryFolder folder;
  std::string kept = folder / "cache/files";
};

TEST_F(FileMemoryOfSettledFile, RemembersInOneProcessAndTheNext) {
  Counted fact;
  {
    FileMemory memory(kept);
    EXPECT_EQ(fact(memory, settled_file()), "fact about " + settled_file());
    EXPECT_EQ(fact(memory, settled_file()), "fact about " + settled_file());
    EXPECT_EQ(fact.calls, 1);
    memory.save();
  }
  FileMemory memory(kept);
  EXPECT_EQ(fact(memory, settled_file()), "fact about " + settled_file());
  EXPECT_EQ(fact.calls, 1);
  fact(memory, settled_file(), 'y');
  EXPECT_EQ(fact.calls, 2);
}

TEST_F(FileMemoryOfSettledFile, NeverTrustsADamagedMemory) {
  Counted fact;
  FileMemory memory(kept);
  fact(memory, settled_file());
  memory.save();
  const std::string whole = read_file(kept);
  const auto asks_again = [&](const std::string& content) {
    write_file_atomically(kept, content, /*durable=*/false);
    FileMemory damaged(kept);
    const int before = fact.calls;
    EXPECT_EQ(fact(damaged, settled_file()), "fact about " + settled_file());
    return fact.calls == before + 1;
  };
  EXPECT_FALSE(asks_again(whole));
  std::size_t noticed = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    noticed += asks_again(flipped);
    EXPECT_TRUE(asks_again(whole.substr(0, i))) << i;
  }
  // All but the slots that nobody asks for.
  EXPECT_GT(noticed, sizeof(FileStamp) + 2 * settled_file().size());
}

TEST_F(FileMemoryOfSettledFile, KeepsWhatOthersRemembered) {
  Counted fact;
  for (const char topic : {'a', 'b', 'c'}) {
    FileMemory memory(kept);
    fact(memory, settled_file(), topic);
    memory.save();
  }
  FileMemory memory(kept);
  for (const char topic : {'a', 'b', 'c'}) fact(memory, settled_file(), topic);
  EXPECT_EQ(fact.calls, 3);
}

TEST(FileMemory, DoesNotTrustAFileJustWritten) {
  TemporaryFolder folder;
  FileMemory memory("");
  Counted fact;
  write_file_atomically(folder / "a", "x");
  fact(memory, folder / "a");
  fact(memory, folder / "a");
  EXPECT_EQ(fact.calls, 2);
}

TEST(FileMemory, DoesNotTrustAnOldTimeThatWasSet) {
  TemporaryFolder folder;
  FileMemory memory("");
  Counted fact;
  write_file_atomically(folder / "a", "x");
  const timespec past[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(utimensat(AT_FDCWD, (folder / "a").c_str(), past, 0), 0);
  fact(memory, folder / "a");
  fact(memory, folder / "a");
  EXPECT_EQ(fact.calls, 2);
}

TEST(FileMemory, NamesAFileThatChangesWhileItIsRead) {
  TemporaryFolder folder;
  FileMemory memory("");
  write_file_atomically(folder / "a", "x");
  try {
    memory.fact(folder / "a", 'x', [](const std::string& path) {
      write_file_atomically(path, "longer");
      return std::string("stale");
    });
    FAIL() << "took a fact about a file that changed";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::bad_data);
    EXPECT_NE(e.message().find(folder / "a"), std::string::npos);
  }
}

TEST(FileMemory, GivesDigests) {
  TemporaryFolder folder;
  FileMemory memory("");
  const std::string text(2'500'000, 'q');
  write_file_atomically(folder / "a", text);
  EXPECT_EQ(memory.digest(folder / "a"), sha256(text));
  EXPECT_THROW(memory.digest(folder / "missing"), Error);
}

TEST_F(FileMemoryOfSettledFile, GoesOnWhereItCannotBeKept) {
  write_file_atomically(folder / "file", "x");
  FileMemory memory(folder / "file/below");
  Counted fact;
  fact(memory, settled_file());
  EXPECT_NO_THROW(memory.save());
  EXPECT_EQ(fact(memory, settled_file()), "fact about " + settled_file());
}

TEST(FileMemory, LooksForItsPlaceInTheEnvironment) {
  const auto with = [](const char* own, const char* xdg, const char* home) {
    setenv("RANKFLOW_CACHE_DIR", own, 1);
    setenv("XDG_CACHE_HOME", xdg, 1);
    setenv("HOME", home, 1);
    return FileMemory::default_path();
  };
  const std::string home = std::getenv("HOME") ? std::getenv("HOME") : "";
  EXPECT_EQ(with("/c", "/x", "/h"), "/c/files");
  EXPECT_EQ(with("", "/x", "/h"), "/x/rankflow/files");
  EXPECT_EQ(with("", "", "/h"), "/h/.cache/rankflow/files");
  EXPECT_EQ(with("", "", ""), "");
  unsetenv("RANKFLOW_CACHE_DIR");
  unsetenv("XDG_CACHE_HOME");
  setenv("HOME", home.c_str(), 1);
}

}  // namespace
}  // namespace rankflow
