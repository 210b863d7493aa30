#include "runtime/staged_inputs.h"

#include <gmock/gmock.h>

#include "io/tree.h"
#include "store_fixture.h"

namespace rankflow {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class StagedInputsTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    put("source/rows.csv", "a\n1\n");
    put("source/below/more.csv", "a\n2\n");
  }
  void put(const std::string& name, const std::string& text) {
    make_directories(parent_of(folder / name));
    write_file_atomically(folder / name, text, false);
  }
  Download path(const std::string& name) {
    FileMemory none("");
    return {folder / name, content_digest(folder / name, none), Download::Kind::path, ""};
  }
  /// What lies in the folder of copies, without the lock that is never removed.
  std::vector<std::string> kept() {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator(local + "/rankflow-" + std::to_string(geteuid()))) {
      const std::string name = entry.path().filename();
      if (name != ".copying") names.push_back(name);
    }
    return names;
  }
  const std::string local = folder / "local";
};

TEST_F(StagedInputsTest, FilesFoldersAndArtifactsAreCopiedUnderTheirNames) {
  const Download file = path("source/rows.csv"), tree = path("source");
  const Download artifact{store.layout().root, publish({{"a", "1"}}), Download::Kind::artifact,
                          store.layout().root};
  {
    StagedInputs staged;
    for (const Download& d : {file, tree, artifact, file}) staged.acquire(d, {local, 0});
    EXPECT_TRUE(staged.path(file).ends_with("/rows.csv"));
    EXPECT_EQ(read_file(staged.path(file)), "a\n1\n");
    EXPECT_EQ(read_file(staged.path(tree) + "/below/more.csv"), "a\n2\n");
    EXPECT_EQ(read_file(staged.path(artifact) + "/a"), "1");
    EXPECT_EQ(staged.copied(), 4u + 8u + 1u) << "each once";
    StagedInputs other;
    other.acquire(file, {local, 0});
    EXPECT_EQ(other.copied(), 0u) << "another process of the node shares it";
  }
  EXPECT_THAT(kept(), IsEmpty());
}

TEST_F(StagedInputsTest, WhatIsNotWhatWasPlannedWithIsNoCopy) {
  Download file = path("source/rows.csv");
  put("source/rows.csv", "a\n3\n");
  std::string said;
  StagedInputs staged;
  EXPECT_EQ(status_of([&] { staged.acquire(file, {local, 0}); }, &said), ExitStatus::bad_data);
  EXPECT_NE(said.find("changed while it was copied, or since the run began"), std::string::npos) << said;
  EXPECT_THAT(kept(), UnorderedElementsAre(file.digest + ".lock")) << "nothing half written";
}

TEST_F(StagedInputsTest, WhatWasFetchedIsNamedByWhatStandsForItsContent) {
  const Download fetched{folder / "source", sha256("a listing"), Download::Kind::fetched, ""};
  StagedInputs staged;
  staged.acquire(fetched, {local, 0});
  EXPECT_EQ(read_file(staged.path(fetched) + "/rows.csv"), "a\n1\n");
  EXPECT_NE(staged.path(fetched).find(fetched.digest), std::string::npos);
}

TEST_F(StagedInputsTest, TheOldestUnusedCopiesGoFirst) {
  const Download older = path("source/rows.csv"), newer = path("source/below/more.csv");
  const DownloadRules rules{local, 4};  // bytes: one of them
  { StagedInputs().acquire(older, rules); }
  EXPECT_THAT(kept(), UnorderedElementsAre(older.digest, older.digest + ".lock"));
  {
    StagedInputs using_it, next;
    using_it.acquire(older, rules);
    { StagedInputs().acquire(newer, rules); }
    EXPECT_THAT(kept(), UnorderedElementsAre(older.digest, older.digest + ".lock", newer.digest,
                                             newer.digest + ".lock"))
        << "what is used stays";
  }
  { StagedInputs().acquire(newer, rules); }
  EXPECT_THAT(kept(), UnorderedElementsAre(newer.digest, newer.digest + ".lock"));
}

}  // namespace
}  // namespace rankflow
