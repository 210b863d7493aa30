#include "base/memory_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace rankflow {
namespace {

class GroupMemoryTest : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::string whole = folder_ / path;
    make_directories(whole.substr(0, whole.rfind('/')));
    write_file_atomically(whole, text, false);
  }
  std::optional<GroupMemory> read() { return group_memory(folder_ / "fs", folder_ / "own"); }

  TemporaryFolder folder_;
};

TEST_F(GroupMemoryTest, OfVersion2) {
  write("own", "0::/slurm/job_7\n");
  write("fs/slurm/job_7/memory.max", "2000000000\n");
  write("fs/slurm/job_7/memory.peak", "1999000000\n");
  write("fs/slurm/job_7/memory.events", "low 0\nhigh 0\nmax 17\noom 3\noom_kill 2\noom_group_kill 0\n");
  const auto memory = read();
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 2e9);
  EXPECT_EQ(memory->most, 1.999e9);
  EXPECT_EQ(memory->killed, 2);
  EXPECT_THAT(memory->description(), testing::HasSubstr("the memory limit of 2.0 GB was reached"));
}

TEST_F(GroupMemoryTest, OfVersion1) {
  write("own", "5:devices:/\n4:memory:/a:b\n0::/\n");
  write("fs/memory/a:b/memory.limit_in_bytes", "1000\n");
  write("fs/memory/a:b/memory.max_usage_in_bytes", "900\n");
  write("fs/memory/a:b/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
  const auto memory = read();
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->limit, 1000);
  EXPECT_EQ(memory->killed, 1);
}

TEST_F(GroupMemoryTest, WithoutALimit) {
  write("own", "0::/\n");
  write("fs/memory.max", "max\n");
  write("fs/memory.events", "oom_kill 0\n");
  EXPECT_EQ(read()->limit, 0);
  EXPECT_EQ(read()->description(), "the host has no memory left");
  write("own", "4:memory:/\n");
  write("fs/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("fs/memory/memory.oom_control", "oom_kill 0\n");
  EXPECT_EQ(read()->limit, 0);
}

TEST_F(GroupMemoryTest, WhereTheKernelDoesNotSay) {
  EXPECT_FALSE(read());
  write("own", "0::/nowhere\nno line of control groups\n");
  EXPECT_FALSE(read());
}

}  // namespace
}  // namespace rankflow
