#include "io/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"
#include "io/file.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, text, false);
}

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string header("\0\0\x08\x02\0\0\0\x02\0\0\0\x03", 12);

class IdxTest : public ::testing::Test {
 protected:
  std::string error(const std::string& content) {
    write_text(folder_ / "a.idx", content);
    try {
      read_idx(folder_ / "a.idx");
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::bad_data);
      EXPECT_THAT(e.message(), HasSubstr("a.idx"));
      return e.message();
    }
    return "no error";
  }
  TemporaryFolder folder_;
};

TEST_F(IdxTest, PlainAndGzipFilesAreRead) {
  write_text(folder_ / "a.idx", header + "abcdef");
  gzFile file = gzopen((folder_ / "b.idx.gz").c_str(), "wb");
  gzwrite(file, (header + "abcdef").data(), 18);
  gzclose(file);
  for (const char* name : {"a.idx", "b.idx.gz"}) {
    const IdxArray array = read_idx(folder_ / name);
    EXPECT_THAT(array.shape, ElementsAre(2, 3));
    EXPECT_EQ(std::string(array.values.begin(), array.values.end()), "abcdef");
  }
}

TEST_F(IdxTest, WrongFilesAreRefused) {
  EXPECT_THAT(error("ab"), HasSubstr("too short"));
  EXPECT_THAT(error("PK\x03\x04 and so on"), HasSubstr("no IDX file"));
  EXPECT_THAT(error(std::string("\0\0\x0d\x01\0\0\0\x01", 8)), HasSubstr("type 13"));
  EXPECT_THAT(error(header.substr(0, 9)), HasSubstr("header"));
  EXPECT_THAT(error(header + "abcde"), HasSubstr("has 5 values, but its header says 6"));
  EXPECT_THAT(error(header + "abcdefg"), HasSubstr("more than the 6"));
  // A header that claims 2^56 values must not take memory for them.
  EXPECT_THAT(error(std::string("\0\0\x08\x02\x7f\xff\xff\xff\x01\0\0\0", 12) + "abc"),
              HasSubstr("has 3 values"));
  // Nor one that claims 2^64 - 1 make the byte after the last wrap around.
  EXPECT_THAT(error(std::string("\0\0\x08\x04\0\0\xff\xff\0\1\0\1\0\0\x02\x81\0\x66\x3d\x81", 20) + "abc"),
              HasSubstr("has 3 values"));
}

TEST_F(IdxTest, EveryTruncationOfAGzipFileIsRefused) {
  gzFile file = gzopen((folder_ / "b.gz").c_str(), "wb");
  gzwrite(file, (header + "abcdef").data(), 18);
  gzclose(file);
  const std::string whole = read_file(folder_ / "b.gz");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(error(whole.substr(0, size)), "no error") << size;
  }
}

}  // namespace
}  // namespace rankflow
