#include "runtime/delivery.h"

#include <gmock/gmock.h>

#include "io/json.h"
#include "io/published_mark.h"
#include "runtime/run_record.h"
#include "store_fixture.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class DeliveryTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    for (const char* status : {"done", "running"}) {
      RunRecord record(store, status);
      record.json()["status"] = status;
      record.save(false);
    }
  }
  bool deliver(const std::string& digest) {
    return deliver_to_folder(store.layout(), {0, "scores", "scratch:results/x", target, digest, "own", {}});
  }
  std::string text(const std::string& name) { return read_file(path_of(target, name)); }
  static std::string path_of(const std::string& folder, const std::string& name) {
    return folder + "/" + name;
  }
  std::vector<std::string> beside() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(parent_of(target)))
      names.push_back(entry.path().filename().string());
    return names;
  }
  const std::string target = folder / "scratch/results/x";
};

TEST_F(DeliveryTest, AFolderIsWrittenOnceAndReplacedAsAWhole) {
  const std::string first = publish({{"a", "1"}, {"below/b", "2"}}), second = publish({{"a", "3"}});
  EXPECT_TRUE(deliver(first));
  EXPECT_EQ(text("below/b"), "2");
  EXPECT_FALSE(deliver(first));
  EXPECT_TRUE(deliver(second));
  EXPECT_EQ(text("a"), "3");
  EXPECT_FALSE(exists(target + "/below"));
  EXPECT_EQ(read_json(path_of(target, published_mark)).at("artifact"), second);
  ASSERT_EQ(::unlink((target + "/a").c_str()), 0);
  EXPECT_TRUE(deliver(second)) << "no longer whole";
  EXPECT_THAT(beside(), UnorderedElementsAre("x"));
}

TEST_F(DeliveryTest, WhatNobodyPublishedStays) {
  make_directories(target);
  write_file_atomically(target + "/mine", "precious", false);
  std::string said;
  EXPECT_EQ(status_of([&] { deliver(publish({{"a", "1"}})); }, &said), ExitStatus::configuration);
  EXPECT_THAT(said, HasSubstr("not something that rankflow published"));
  EXPECT_EQ(text("mine"), "precious");
}

TEST_F(DeliveryTest, OnlyWhatKilledRunsLeftIsRemoved) {
  const std::vector<std::string> left = {"x.0123456789abcdef.done.tmp", "x.fedcba9876543210.own.tmp"};
  const std::vector<std::string> others = {"x.0123456789abcdef.running.tmp",  // may be writing at this moment
                                           "x.0123456789abcdef.unknown.tmp",  // of no run of this store
                                           "x.0123456789abcdef.tmp",
                                           "x.0123456789ABCDEF.done.tmp",
                                           "x.0123456789abcdef.done",
                                           "y.0123456789abcdef.done.tmp",
                                           "x.tmp"};
  for (const auto& name : left) make_directories(path_of(parent_of(target), name + "/below"));
  for (const auto& name : others) make_directories(path_of(parent_of(target), name));
  for (const auto& name : left) EXPECT_TRUE(is_left_over(name, "x", store.layout(), "own")) << name;
  for (const auto& name : others) EXPECT_FALSE(is_left_over(name, "x", store.layout(), "own")) << name;
  // A file and a link of such a name are not what was written aside.
  write_file_atomically(path_of(parent_of(target), "x.1111111111111111.done.tmp"), "", false);
  make_directories(folder / "elsewhere");
  std::filesystem::create_directory_symlink(folder / "elsewhere",
                                            path_of(parent_of(target), "x.2222222222222222.done.tmp"));
  EXPECT_TRUE(deliver(publish({{"a", "1"}})));
  std::vector<std::string> expected = others;
  expected.insert(expected.end(), {"x", "x.1111111111111111.done.tmp", "x.2222222222222222.done.tmp"});
  EXPECT_THAT(beside(), ::testing::UnorderedElementsAreArray(expected));
}

TEST_F(DeliveryTest, TravelsAsJson) {
  Delivery delivery{3, "scores", "archive:x", "s3://b/x", "d", "run", {.url = "s3://b/x", .region = "here"}};
  const Delivery back = delivery_from_json(to_json(delivery));
  EXPECT_TRUE(back.is_object_store());
  EXPECT_EQ(back.location.region, "here");
  EXPECT_EQ(back.step, 3u);
  EXPECT_EQ(back.reference, "archive:x");
  delivery.location = {};
  EXPECT_FALSE(delivery_from_json(to_json(delivery)).is_object_store());
}

}  // namespace
}  // namespace rankflow
