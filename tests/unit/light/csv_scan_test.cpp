#include "io/csv_scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace rankflow {
namespace {

using ::testing::ElementsAre;

/// Begins of records found by going through the whole text.
std::vector<std::int64_t> begins_of(const std::string& text) {
  std::vector<std::int64_t> begins;
  CsvCounter counter(',');
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto before = counter.records();
    counter.add(std::string_view(text).substr(i, 1));
    if (counter.records() > before) begins.push_back(static_cast<std::int64_t>(i));
  }
  return begins;
}

std::vector<std::int64_t> cut(const std::string& text, std::int64_t block, CsvState& end) {
  std::vector<CsvScan> scans;
  for (std::size_t at = 0; at < text.size(); at += static_cast<std::size_t>(block)) {
    const CsvScan scan = scan_csv(std::string_view(text).substr(at, static_cast<std::size_t>(block)), ',');
    scans.push_back(CsvScan::unpacked(scan.packed()));
  }
  return cut_csv(scans, block, 0, end);
}

TEST(CsvScan, PiecesBeginWhereRecordsDo) {
  CsvState end;
  EXPECT_THAT(cut("a,b\n1,\"x\ny\"\n2,z\n", 5, end), ElementsAre(0, 12));
  EXPECT_EQ(end, CsvState::record_start);
  EXPECT_THAT(cut("a\nb\nc\n", 2, end), ElementsAre(0, 2, 4));
  cut("a,\"b\nc\n", 3, end);
  EXPECT_EQ(end, CsvState::quoted);
}

TEST(CsvScan, CutsOfAnySizeFallOnRecordsOfTheWhole) {
  std::mt19937 random(1);
  const std::string letters = "ab,,\"\"\n\n\r";
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += letters[random() % letters.size()];
    const auto records = begins_of(text);
    for (const std::int64_t block : {1, 3, 7, 30}) {
      CsvState end;
      for (const std::int64_t begin : cut(text, block, end)) {
        // Line ends between records may go to either piece: the next record is what counts.
        const auto next = std::lower_bound(records.begin(), records.end(), begin);
        const std::string between =
            text.substr(static_cast<std::size_t>(begin),
                        (next == records.end() ? text.size() : static_cast<std::size_t>(*next)) -
                            static_cast<std::size_t>(begin));
        EXPECT_EQ(between.find_first_not_of("\r\n"), std::string::npos)
            << text << " at " << begin << " of " << block;
      }
    }
  }
}

TEST(CsvScan, TheFirstRecordIsUnquoted) {
  std::vector<std::string> cells;
  std::size_t behind = 0;
  ASSERT_TRUE(first_csv_record("\n\"a \"\"b\"\"\",,\"c\nd\"\nnext", ',', false, cells, behind));
  EXPECT_THAT(cells, ElementsAre("a \"b\"", "", "c\nd"));
  EXPECT_EQ(behind, 18u);
  EXPECT_FALSE(first_csv_record("a,b", ',', false, cells, behind));
  EXPECT_TRUE(first_csv_record("a,b", ',', true, cells, behind));
  EXPECT_FALSE(first_csv_record("a,\"b", ',', true, cells, behind));
}

}  // namespace
}  // namespace rankflow
