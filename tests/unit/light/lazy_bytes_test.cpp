#include "io/lazy_bytes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "temporary_folder.h"

namespace rankflow {
namespace {

class LazyBytesTest : public testing::Test {
 protected:
  LazyBytesTest() {
    for (int i = 0; i < 50'000; ++i) text_ += std::to_string(i) + " ";
    write_file_atomically(path_, text_, false);
  }

  TemporaryFolder folder_;
  std::string path_ = folder_ / "f";
  std::string text_;
};

TEST_F(LazyBytesTest, GivesWhatTheFileHolds) {
  const LazyBytes bytes(File(path_, O_RDONLY));
  EXPECT_EQ(bytes.size(), text_.size());
  // Within a window, over the border between two, over several, at the end and past it.
  for (const auto& [offset, count] :
       {std::pair{100, 7}, {65530, 20}, {10, 200'000}, {280'000, 1'000'000}, {1'000'000, 1}}) {
    const auto at = static_cast<std::size_t>(offset), n = static_cast<std::size_t>(count);
    const std::string_view expected =
        at < text_.size() ? std::string_view(text_).substr(at, n) : std::string_view();
    EXPECT_EQ(bytes.at(at, n), expected) << offset;
  }
  EXPECT_EQ(bytes.offset_of(bytes.at(12'345, 3)), 12'345u);
}

TEST_F(LazyBytesTest, ReadsOnlyWhatIsLookedAt) {
  const LazyBytes bytes(File(path_, O_RDONLY));
  const std::string before(bytes.at(0, 100));
  ASSERT_EQ(truncate(path_.c_str(), 70'000), 0);
  EXPECT_EQ(bytes.at(0, 100), before) << "was there already";
  EXPECT_TRUE(bytes.at(200'000, 10).empty()) << "was not, and is gone";
}

TEST_F(LazyBytesTest, OfAText) {
  EXPECT_EQ(LazyBytes("abc").at(1, 10), "bc");
  EXPECT_TRUE(LazyBytes("").at(0, 1).empty());
}

}  // namespace
}  // namespace rankflow
