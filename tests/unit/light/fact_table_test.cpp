#include "io/fact_table.h"

#include <gtest/gtest.h>

#include <map>

#include "base/text.h"

namespace rankflow {
namespace {

struct Owned {
  std::vector<std::string> texts;
  std::vector<Fact> facts;
};

Owned some_facts(std::size_t count) {
  Owned owned;
  owned.texts.reserve(2 * count);  // views into it must stay valid
  for (std::size_t i = 0; i < count; ++i) {
    owned.texts.push_back(str("/some/path/", i));
    owned.texts.push_back(std::string(i % 40, static_cast<char>(i)));
    const auto number = static_cast<std::int64_t>(i);
    owned.facts.push_back({{1, i, i % 40, number, -number}, owned.texts[2 * i], owned.texts[2 * i + 1]});
  }
  return owned;
}

TEST(FactTable, FindsWhatWasPutIn) {
  for (const std::size_t count : {0, 1, 2, 7, 1000}) {
    const Owned owned = some_facts(count);
    const FactTable table{LazyBytes(FactTable::encode(owned.facts))};
    for (const Fact& fact : owned.facts) {
      const auto found = table.find(fact.key);
      ASSERT_TRUE(found) << fact.key;
      EXPECT_EQ(found->stamp, fact.stamp);
      EXPECT_EQ(found->value, fact.value);
    }
    EXPECT_FALSE(table.find("/some/path/"));
    EXPECT_FALSE(table.find(""));
    ASSERT_EQ(table.all().size(), count);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(table.all()[i].key, owned.facts[i].key);
  }
}

TEST(FactTable, IsEmptyWithoutBytes) {
  EXPECT_FALSE(FactTable().find("x"));
  EXPECT_TRUE(FactTable(LazyBytes("")).all().empty());
  EXPECT_TRUE(FactTable(LazyBytes(std::string(10'000, '\xff'))).all().empty());
}

TEST(FactTable, NeverGivesWhatWasNotPutIn) {
  const Owned owned = some_facts(5);
  const std::string whole = FactTable::encode(owned.facts);
  std::map<std::string, Fact> expected;
  for (const Fact& fact : owned.facts) expected[std::string(fact.key)] = fact;
  const auto check = [&](const std::string& bytes) {
    const FactTable table{LazyBytes(bytes)};
    std::size_t found = 0;
    for (const auto& [key, fact] : expected) {
      const auto answer = table.find(key);
      if (!answer) continue;
      ++found;
      EXPECT_EQ(answer->value, fact.value);
      EXPECT_EQ(answer->stamp, fact.stamp);
    }
    for (const Fact& fact : table.all()) EXPECT_TRUE(expected.contains(std::string(fact.key)));
    return found;
  };
  EXPECT_EQ(check(whole), 5u);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      check(flipped);
    }
    EXPECT_EQ(check(whole.substr(0, i)), 0u);
  }
}

}  // namespace
}  // namespace rankflow
