#include "launchers/text_table.h"

#include <gtest/gtest.h>

#include "launchers/profile_view.h"

namespace rankflow {
namespace {

TEST(TextTable, ACellStaysOnItsLine) {
  TextTable table({{"name"}, {"n", true}});
  table.add({{"a\nb\r\tc"}, {"1"}});
  table.add({{"\x1b[31mred\x7f"}, {"2"}});
  table.add({{"\xc2\x9b"
              "31mé"},
             {"3"}});  // the same escape as one character
  EXPECT_EQ(table.text(0, false),
            "name             n\n"
            "a\\nb\\r\\tc        1\n"
            "\\x1b[31mred\\x7f  2\n"
            "\\x9b31mé         3\n");
}

TEST(ShareText, LessThanAllIsNotAll) {
  EXPECT_EQ(share_text(6000, 6000), "100 %");
  EXPECT_EQ(share_text(5999, 6000), "99.98 %");
  EXPECT_EQ(share_text(999'999'999, 1e9), "99.9999999 %");
  EXPECT_EQ(share_text(1, 3), "33.3 %");
  EXPECT_EQ(share_text(1, 0), "");
}

}  // namespace
}  // namespace rankflow
