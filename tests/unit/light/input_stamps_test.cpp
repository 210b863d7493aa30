// What tells that a file changed while a step read it.
#include "runtime/input_stamps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using testing::HasSubstr;

class Stamps : public testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string file_ = folder_.path() + "/data/a.csv";

  void SetUp() override {
    make_directories(folder_.path() + "/data/below");
    write_file_atomically(file_, "1\n");
    write_file_atomically(folder_.path() + "/data/below/b.csv", "2\n");
  }
  static std::string message(const InputStamps& stamps) {
    try {
      stamps.check_unchanged();
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::bad_data);
      return e.message();
    }
    return "";
  }
};

TEST_F(Stamps, NameAFileThatChanged) {
  const InputStamps file({file_}), folder({folder_.path() + "/data"});
  EXPECT_EQ(message(file), "");
  EXPECT_EQ(message(folder), "");
  write_file_atomically(file_, "3\n");
  EXPECT_THAT(message(file), HasSubstr("a.csv changed while it was read"));
  EXPECT_THAT(message(folder), HasSubstr("a.csv changed while it was read"));
}

TEST_F(Stamps, NameAFileThatCameOrWent) {
  const InputStamps before({folder_.path() + "/data"});
  write_file_atomically(folder_.path() + "/data/below/c.csv", "3\n");
  EXPECT_THAT(message(before), HasSubstr("below/c.csv"));
  const InputStamps after({folder_.path() + "/data"});
  std::filesystem::remove(folder_.path() + "/data/below/b.csv");
  EXPECT_THAT(message(after), HasSubstr("below/b.csv"));
}

}  // namespace
}  // namespace rankflow
