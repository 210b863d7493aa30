#include "io/selection.h"

#include "base/text.h"
#include "io/tree.h"
#include "store_fixture.h"

namespace rankflow {
namespace {

class SelectionTest : public StoreTest {
 protected:
  void put(const std::string& name, const std::string& text) {
    make_directories(parent_of(folder / name));
    write_file_atomically(folder / name, text, false);
  }
  Selection two(const std::string& where) {
    return {true, {{"1/a.csv", folder / where + "/a.csv"}, {"2", folder / where + "/more"}}};
  }
  std::string digest(const Selection& selection) {
    FileMemory none("");
    return content_digest(selection, none);
  }
};

TEST_F(SelectionTest, IsAFolderThatReadersOfFoldersRead) {
  put("here/a.csv", "1");
  put("here/more/b.csv", "22");
  put("here/more/deep/c.csv", "333");
  const Selection selection = two("here");
  make_selection(selection, store.layout());
  make_selection(selection, store.layout());  // it is there already
  const std::string root = selection_folder(selection, store.layout());
  std::string listed;
  for (const TreeEntry& entry : list_tree(root)) {
    listed += str(entry.path, " ");
    EXPECT_EQ(read_file(root + "/" + entry.path).size(), entry.size);
  }
  EXPECT_EQ(listed, "1/a.csv 2/b.csv 2/deep/c.csv ");
  FileMemory none("");
  EXPECT_EQ(content_digest(root, none), digest(selection)) << "as planned, before there are links";
  const auto found = selection_at(root);
  ASSERT_TRUE(found);
  EXPECT_EQ(place_in(*found, "2/deep/c.csv"), folder / "here/more/deep/c.csv");
  EXPECT_EQ(place_in(*found, "1/a.csv"), folder / "here/a.csv");
  EXPECT_EQ(place_in(*found, "1/a.csv2"), "");
  EXPECT_FALSE(selection_at(folder / "here"));
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);
}

TEST_F(SelectionTest, ItsDigestIsOfNamesAndContentNotOfPlaces) {
  for (const char* where : {"here", "there"}) {
    put(str(where, "/a.csv"), "1");
    put(str(where, "/more/b.csv"), "22");
  }
  const std::string before = digest(two("here"));
  EXPECT_EQ(digest(two("there")), before);
  Selection other = two("here");
  other.members[0].name = "1/b.csv";
  EXPECT_NE(digest(other), before);
  other = two("here");
  other.list = false;
  EXPECT_NE(digest(other), before);
  other = {true, {{"1/a.csv", folder / "here/a.csv"}, {"2/b.csv", folder / "here/more/b.csv"}}};
  EXPECT_NE(digest(other), before) << "of a folder not every file is read as a table";
  put("there/more/b.csv", "23");
  EXPECT_NE(digest(two("there")), before);
}

TEST_F(SelectionTest, ACopyIsTheSame) {
  put("here/a.csv", "1");
  put("here/more/b.csv", "22");
  put("copy/files/1/a.csv", "1");
  put("copy/files/2/b.csv", "22");
  describe_copy(two("here"), folder / "copy/files");
  FileMemory none("");
  EXPECT_EQ(content_digest(folder / "copy/files", none), digest(two("here")));
}

TEST_F(SelectionTest, WhatIsMissingOrDamagedIsNamed) {
  std::string message;
  EXPECT_EQ(status_of([&] { digest(two("nowhere")); }, &message), ExitStatus::io);
  EXPECT_NE(message.find("nowhere/a.csv"), std::string::npos) << message;
  put("broken/selection.json", "{\"list\": true}");
  make_directories(folder / "broken/files");
  EXPECT_EQ(status_of([&] { list_tree(folder / "broken/files"); }, &message), ExitStatus::bad_data);
  EXPECT_NE(message.find("broken/selection.json is damaged"), std::string::npos) << message;
}

}  // namespace
}  // namespace rankflow
