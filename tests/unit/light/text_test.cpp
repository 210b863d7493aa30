#include "base/text.h"

#include <gtest/gtest.h>

#include "base/shortened.h"

namespace rankflow {
namespace {

TEST(Text, JoinsValuesOfAnyType) {
  EXPECT_EQ(str("a", std::string("b"), "c"), "abc");
  EXPECT_EQ(str("rank ", 3, " of ", 8L, ": ", 0.5), "rank 3 of 8: 0.5");
}

TEST(Text, SplitsAndJoins) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), std::vector<std::string>{""});
  EXPECT_EQ(join({"a", "b", "c"}, ", "), "a, b, c");
  EXPECT_EQ(join({}, ", "), "");
  EXPECT_EQ(trim(" \t a b\n"), "a b");
  EXPECT_EQ(trim("  "), "");
}

TEST(Text, FindsTheNearestName) {
  const std::vector<std::string> names = {"epochs", "batch_size", "learning_rate"};
  EXPECT_EQ(nearest("epoch", names), "epochs");
  EXPECT_EQ(nearest("eopchs", names), "epochs");  // neighbours swapped: one edit
  EXPECT_EQ(nearest("learnin_rate", names), "learning_rate");
  EXPECT_EQ(nearest("banana", names), "");
  EXPECT_EQ(nearest("", names), "");
  EXPECT_EQ(nearest("b", {"a"}), "") << "nothing of it is left";
  EXPECT_EQ(nearest("ab", {"a"}), "a");
  EXPECT_EQ(did_you_mean("epoch", names), " (did you mean \"epochs\"?)");
  EXPECT_EQ(did_you_mean("zzz", names), "");
}

TEST(Text, QuotesWhatIsNoUtf8) {
  EXPECT_EQ(in_quotes("caf\xc3\xa9"), "\"caf\xc3\xa9\"");
  EXPECT_EQ(in_quotes("caf\xe9.txt"), "\"caf\\xe9.txt\"");
  EXPECT_TRUE(is_utf8(in_quotes(std::string(1000, '\xe9'))));
}

TEST(Text, IsCutBetweenCharacters) {
  std::string text = "x";
  for (int i = 0; i < 100; ++i) text += "\xe2\x82\xac";  // three bytes each
  EXPECT_EQ(shortened(text, text.size()), text);
  for (std::size_t most = 0; most < 12; ++most) {
    EXPECT_TRUE(is_utf8(last_part(text, most))) << most;
    EXPECT_LE(last_part(text, most).size(), most);
    EXPECT_TRUE(is_utf8(shortened(text, most))) << most;
    EXPECT_NE(shortened(text, most).find(" left out) "), std::string::npos);
  }
  EXPECT_EQ(last_part(text, 6), "\xe2\x82\xac\xe2\x82\xac");
  EXPECT_EQ(last_part(std::string(9, '\xa9'), 6).size(), 3u) << "no UTF-8: not all of it goes";
}

TEST(Text, WritesNumbersForPeople) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(1500), "1.5 kB");
  EXPECT_EQ(human_bytes(123e6), "123 MB");
  EXPECT_EQ(human_seconds(0.421), "0.42 s");
  EXPECT_EQ(human_seconds(185), "3 min 05 s");
  EXPECT_EQ(human_seconds(7800), "2 h 10 min");
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(12345), "12,345");
  EXPECT_EQ(human_count(-1234567), "-1,234,567");
  EXPECT_EQ(significant(0.123456), "0.1235");
}

TEST(Text, KnowsPlainNames) {
  for (const char* name : {"a", "train", "_x", "9to5", "a-b.c_d"}) EXPECT_TRUE(is_plain_name(name)) << name;
  for (const char* name : {"", ".", "..", "-rf", ".hidden", "a/b", "a b", "caf\xc3\xa9"})
    EXPECT_FALSE(is_plain_name(name)) << name;
  EXPECT_TRUE(is_plain_name(std::string(100, 'a')));
  EXPECT_FALSE(is_plain_name(std::string(101, 'a')));
  EXPECT_FALSE(is_plain_name(std::string_view("a\0b", 3)));
}

TEST(Text, KnowsUtf8) {
  for (const char* text : {"", "ascii", "caf\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const char* text : {"\xff", "\xc3", "a\xe2\x82", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\x80"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

}  // namespace
}  // namespace rankflow
