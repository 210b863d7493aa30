#include "base/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <stdexcept>

namespace rankflow {
namespace {

TEST(Error, SaysWhatAndWhatToTry) {
  const Error e(ExitStatus::bad_data, "row 3 is cut off", "write the file again");
  EXPECT_STREQ(e.what(), "row 3 is cut off");
  EXPECT_EQ(describe(e), "row 3 is cut off. Try: write the file again");
  EXPECT_EQ(describe(Error(ExitStatus::io, "no")), "no");
  EXPECT_EQ(code(e.status()), 65);
}

TEST(Error, KnowsThePlaceThatThrew) {
  const Error e(ExitStatus::io, "x");
  EXPECT_TRUE(e.where().starts_with("light/error_test.cpp:")) << e.where();
}

TEST(Error, TellsPermissionFromOtherSystemErrors) {
  const Error denied = system_error("cannot open", "/a/b", EACCES);
  EXPECT_EQ(denied.status(), ExitStatus::permission);
  EXPECT_EQ(denied.message(), "cannot open /a/b: Permission denied");
  const Error full = system_error("cannot write 12 bytes to", "/a/b", ENOSPC);
  EXPECT_EQ(full.status(), ExitStatus::io);
  EXPECT_EQ(full.message(), "cannot write 12 bytes to /a/b: No space left on device");
  EXPECT_NE(full.hint().find("free space"), std::string::npos);
}

TEST(Error, TakesOtherExceptionsAsInternal) {
  EXPECT_EQ(as_error(std::runtime_error("x")).status(), ExitStatus::internal);
  EXPECT_EQ(as_error(Error(ExitStatus::usage, "x")).status(), ExitStatus::usage);
  EXPECT_NE(as_error(std::bad_alloc()).message().find("out of memory, with "), std::string::npos);
}

}  // namespace
}  // namespace rankflow
