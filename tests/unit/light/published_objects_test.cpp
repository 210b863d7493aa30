#include "runtime/published_objects.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::Key;

PublishedIndex index(const std::string& artifact, std::map<std::string, PublishedIndex::File> files) {
  return {artifact, "scores", "", std::move(files)};
}

const PublishedIndex old_one = index("old", {{"a", {1, "x"}}, {"b", {2, "y"}}});
const PublishedIndex new_one = index("new", {{"a", {1, "z"}}, {"c/d", {3, "w"}}});

TEST(PublishedObjects, APlaceIsWholeWhereItSaysSoAndNothingIsMissing) {
  PublishedObjects place{{{"a", 1}, {"b", 2}}, old_one, {}};
  EXPECT_TRUE(place.holds(old_one));
  EXPECT_FALSE(place.holds(new_one));
  place.there["other"] = 7;
  EXPECT_TRUE(place.holds(old_one)) << "what others put there changes nothing";
  place.there["b"] = 3;
  EXPECT_FALSE(place.holds(old_one)) << "another size";
  place.there.erase("b");
  EXPECT_FALSE(place.holds(old_one)) << "missing";
  const PublishedObjects unfinished{{{"a", 1}, {"b", 2}}, {}, old_one};
  EXPECT_FALSE(unfinished.holds(old_one)) << "all is there, but nobody has said so";
}

TEST(PublishedObjects, WhatRankflowDidNotPublishIsFound) {
  EXPECT_FALSE((PublishedObjects{}.foreign(new_one)));
  EXPECT_EQ((PublishedObjects{{{"mine", 1}}, {}, {}}.foreign(new_one)), "mine");
  EXPECT_EQ((PublishedObjects{{{"", 1}}, {}, {}}.foreign(new_one)), "")
      << "an object where the place should be";
  PublishedObjects place{{{"a", 1}, {"b", 2}, {"mine", 1}}, old_one, {}};
  EXPECT_FALSE(place.foreign(new_one)) << "it is in nobody's way";
  place.there["c/d"] = 3;
  EXPECT_EQ(place.foreign(new_one), "c/d");
  place.publishing = new_one;
  EXPECT_FALSE(place.foreign(new_one)) << "uploaded by one that was interrupted";
}

TEST(PublishedObjects, OnlyOursIsRemovedOrTakenForWritten) {
  const PublishedObjects place{{{"a", 1}, {"b", 2}, {"c/d", 9}, {"mine", 1}}, old_one, new_one};
  EXPECT_THAT(place.outdated(new_one), ElementsAre("b"));
  EXPECT_TRUE(place.may_be("a", new_one.files.at("a")));
  EXPECT_FALSE(place.may_be("c/d", new_one.files.at("c/d"))) << "another size";
  EXPECT_FALSE(place.may_be("mine", {1, "x"})) << "not ours";
  EXPECT_THAT(place.with_ours(new_one).files, ElementsAre(Key("a"), Key("b"), Key("c/d")));
  EXPECT_EQ(place.with_ours(new_one).files.at("a").sha256, "z") << "as it will be";
}

TEST(PublishedObjects, AnIndexIsReadAsItWasWritten) {
  const auto read = decode_index(encode(new_one));
  ASSERT_TRUE(read);
  EXPECT_EQ(encode(new_one).find("run"), std::string::npos) << "the same content is the same object";
  PublishedIndex by_a_run = new_one;
  by_a_run.run = "run-1";
  EXPECT_EQ(decode_index(encode(by_a_run))->run, "run-1");
  EXPECT_EQ(read->artifact, "new");
  EXPECT_EQ(read->files.at("c/d").bytes, 3);
  EXPECT_EQ(read->files.at("c/d").sha256, "w");
  for (const char* text : {"", "{", "[]", "{\"artifact\": \"x\"}",
                           "{\"artifact\": 1, \"output\": \"\", \"run\": \"\", \"files\": {}}"})
    EXPECT_FALSE(decode_index(text)) << text;
}

}  // namespace
}  // namespace rankflow
