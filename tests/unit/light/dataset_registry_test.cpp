#include "io/dataset_registry.h"

#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "base/text.h"
#include "io/dataset_source.h"
#include "store_fixture.h"

namespace rankflow {
namespace {

class DatasetRegistryTest : public StoreTest {
 protected:
  /// Registers `text` as the content of a dataset without files that anyone reads.
  DatasetRegistry::Added add(const std::string& name, const std::string& text,
                             std::map<std::string, std::string> tags = {}) {
    DatasetVersion version;
    version.dataset = name;
    version.content = sha256(text);
    version.path = "/data/" + text;
    version.tags = std::move(tags);
    return registry.add(version, {{text, text.size(), sha256(text)}},
                        [](const DatasetVersion&) { return true; });
  }
  /// Runs `work(i)` in processes 0 … n-1, which begin together.
  void in_processes(int n, const std::function<void(int)>& work) {
    int gate[2];
    ASSERT_EQ(pipe(gate), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < n; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        char never;
        ::close(gate[1]);
        int status = read(gate[0], &never, 1) == 0 ? 0 : 1;
        try {
          work(i);
        } catch (const std::exception& e) {
          std::fprintf(stderr, "%s\n", e.what());
          status = 1;
        }
        _exit(status);
      }
      children.push_back(child);
    }
    ::close(gate[0]);
    ::close(gate[1]);  // the end of the file lets them all go
    for (const pid_t child : children) {
      int status = -1;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      EXPECT_EQ(status, 0);
    }
  }
  std::string put(const std::string& name, const std::string& text) {
    const std::string path = folder / name;
    make_directories(parent_of(path));
    write_file_atomically(path, text, false);
    return path;
  }

  DatasetRegistry registry{store.layout()};
};

TEST_F(DatasetRegistryTest, NumbersVersionsAndKnowsUnchangedContent) {
  EXPECT_EQ(add("flights", "a").version.version, 1);
  const auto again = add("flights", "a");
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.version.version, 1);
  EXPECT_EQ(add("flights", "b").version.version, 2);
  // Back to what it was: the newest version is what @latest means, so this is a new one.
  EXPECT_EQ(add("flights", "a").version.version, 3);
  EXPECT_EQ(add("other", "a").version.version, 1);
  EXPECT_EQ(registry.versions("flights"), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(registry.names(), (std::vector<std::string>{"flights", "other"}));
  EXPECT_EQ(registry.get({"flights", 0}).content, sha256("a"));
  EXPECT_EQ(registry.get({"flights", 2}).path, "/data/b");
  EXPECT_EQ(registry.files(registry.get({"flights", 2})), (std::vector<DatasetFile>{{"b", 1, sha256("b")}}));
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);
}

TEST_F(DatasetRegistryTest, TagsMayChangeVersionsDoNot) {
  add("d", "a", {{"owner", "ann"}, {"stage", "raw"}});
  const auto again = add("d", "a", {{"owner", "bob"}});
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.version.tags, (std::map<std::string, std::string>{{"owner", "bob"}, {"stage", "raw"}}));
  registry.annotate(again.version, "what it is", {});
  EXPECT_EQ(registry.get({"d", 1}).description, "what it is");
}

TEST_F(DatasetRegistryTest, OneWinnerForTheSameContent) {
  in_processes(64, [&](int) { add("race", "same"); });
  EXPECT_EQ(registry.versions("race"), std::vector<int>{1});
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);
}

TEST_F(DatasetRegistryTest, NoVersionIsLostForDifferentContents) {
  constexpr int processes = 64;
  in_processes(processes, [&](int i) { add("race", std::to_string(i)); });
  const auto versions = registry.versions("race");
  ASSERT_EQ(versions.size(), static_cast<std::size_t>(processes));
  EXPECT_EQ(versions.front(), 1);
  EXPECT_EQ(versions.back(), processes);
  std::set<std::string> contents;
  for (const int v : versions) contents.insert(registry.get({"race", v}).content);
  EXPECT_EQ(contents.size(), static_cast<std::size_t>(processes));
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);
}

TEST_F(DatasetRegistryTest, UnknownOnesAreNamedWithWhatThereIs) {
  std::string message;
  EXPECT_EQ(status_of([&] { registry.get({"flights", 0}); }, &message), ExitStatus::configuration);
  EXPECT_NE(message.find("there are none yet"), std::string::npos) << message;
  add("flights", "a");
  add("flights", "b");
  EXPECT_EQ(status_of([&] { registry.get({"flihgts", 0}); }, &message), ExitStatus::configuration);
  EXPECT_NE(message.find("did you mean \"flights\""), std::string::npos) << message;
  EXPECT_EQ(status_of([&] { registry.get({"weather", 0}); }, &message), ExitStatus::configuration);
  EXPECT_NE(message.find("there is flights"), std::string::npos) << message;
  EXPECT_EQ(status_of([&] { registry.get({"flights", 9}); }, &message), ExitStatus::configuration);
  EXPECT_NE(message.find("has no version 9; it has 1 to 2"), std::string::npos) << message;
}

TEST_F(DatasetRegistryTest, ADamagedRecordIsSaidAndNeverOverwritten) {
  add("d", "a");
  const std::string record = store.layout().dataset("d") + "/1/version.json";
  overwrite(record, "{\"format\":");
  std::string message;
  EXPECT_EQ(status_of([&] { registry.get({"d", 1}); }, &message), ExitStatus::bad_data);
  EXPECT_NE(message.find(record), std::string::npos) << message;
  EXPECT_EQ(add("d", "a").version.version, 2);
  EXPECT_EQ(read_file(record), "{\"format\":");
}

TEST_F(DatasetRegistryTest, BadNamesAndTagsAreRefused) {
  for (const std::string& name :
       {std::string(""), std::string(".."), std::string("a/b"), std::string("-a"), std::string("a\0b", 3),
        std::string(10'000, 'a'), std::string("a:1"), std::string("\xff"), std::string("a b")}) {
    EXPECT_EQ(status_of([&] { add(name, "a"); }), ExitStatus::configuration) << in_quotes(name);
    EXPECT_TRUE(registry.versions(name).empty());
  }
  const std::map<std::string, std::string> bad_tags[] = {
      {{"a/b", "x"}}, {{"", "x"}}, {{"a.b", "x"}}, {{"a", "\xff"}}};
  for (const auto& tags : bad_tags)
    EXPECT_EQ(status_of([&] { add("d", "a", tags); }), ExitStatus::configuration);
  EXPECT_TRUE(registry.names().empty());
}

TEST(DatasetReference, ReadsTheThreeForms) {
  EXPECT_EQ(parse_dataset_reference("a-b.c").version, 0);
  EXPECT_EQ(parse_dataset_reference("a@latest").version, 0);
  EXPECT_EQ(parse_dataset_reference("a:12").version, 12);
  EXPECT_EQ(written(parse_dataset_reference("a:12")), "a:12");
  EXPECT_EQ(written(parse_dataset_reference("a")), "a@latest");
  for (const char* bad :
       {"", ":3", "a:", "a:0", "a:01", "a:-1", "a:3x", "a@3", "a@newest", "a:99999999999", "a/b:1", "a: 3"}) {
    EXPECT_EQ(status_of([&] { parse_dataset_reference(bad); }), ExitStatus::configuration) << bad;
    EXPECT_FALSE(looks_like_dataset_reference(bad)) << bad;
  }
  EXPECT_TRUE(looks_like_dataset_reference("a:3"));
  EXPECT_TRUE(looks_like_dataset_reference("a@latest"));
  EXPECT_FALSE(looks_like_dataset_reference("a"));
  EXPECT_FALSE(looks_like_dataset_reference("./a:3"));
}

TEST_F(DatasetRegistryTest, TheSameBytesHaveTheSameContentWhereverTheyLie) {
  const std::string file = put("raw/flights.csv", "a,b\n1,2\n");
  const auto by_reference = dataset_at(file, memory), copied = dataset_copied_from(file, store, memory);
  EXPECT_EQ(by_reference.version.content, copied.version.content);
  EXPECT_EQ(by_reference.version.place(store.layout()), file);
  EXPECT_EQ(read_file(copied.version.place(store.layout())), "a,b\n1,2\n");
  EXPECT_EQ(copied.version.lineage.at("copied_from"), file);
  put("raw/sub/more.csv", "a,b\n3,4\n");
  const auto whole = dataset_at(folder / "raw", memory),
             whole_copy = dataset_copied_from(folder / "raw", store, memory);
  EXPECT_EQ(whole.version.content, whole_copy.version.content);
  EXPECT_EQ(whole.files, whole_copy.files);
  EXPECT_EQ(whole.version.bytes, 16u);
}

TEST_F(DatasetRegistryTest, AnArtifactBringsItsLineage) {
  const std::string digest = publish({{"dataset.json", "{\"rows\": 7}"}, {"part-00000.h5", "x"}});
  const auto made = dataset_of_artifact(digest, "", store, memory);
  EXPECT_EQ(made.version.lineage.at("run"), "test");
  EXPECT_EQ(made.version.rows, 7);
  EXPECT_EQ(what_changed(made.version, store.layout(), memory), "");
  const auto place = place_in_store(store.layout().artifact_data(digest) + "/part-00000.h5", store.layout());
  EXPECT_EQ(place.digest, digest);
  EXPECT_EQ(place.below, "part-00000.h5");
  EXPECT_EQ(place_in_store(store.layout().artifact(digest), store.layout()).digest, digest);
  EXPECT_EQ(place_in_store("/etc/passwd", store.layout()).digest, "");
  EXPECT_EQ(status_of([&] { dataset_of_artifact(sha256("none"), "", store, memory); }),
            ExitStatus::configuration);
  overwrite(store.layout().artifact_data(digest) + "/part-00000.h5", "y");
  EXPECT_EQ(status_of([&] { dataset_of_artifact(digest, "", store, memory); }), ExitStatus::bad_data);
}

TEST_F(DatasetRegistryTest, ChangedFilesAreNoticed) {
  const std::string file = put("d.csv", "a\n1\n");
  const auto named = dataset_at(file, memory);
  EXPECT_EQ(what_changed(named.version, store.layout(), memory), "");
  put("d.csv", "a\n2\n");
  EXPECT_NE(what_changed(named.version, store.layout(), memory).find("other content"), std::string::npos);
  std::filesystem::remove(file);
  EXPECT_NE(what_changed(named.version, store.layout(), memory).find("no longer there"), std::string::npos);
  EXPECT_EQ(status_of([&] { dataset_at(file, memory); }), ExitStatus::io);
  make_directories(folder / "empty");
  EXPECT_EQ(status_of([&] { dataset_at(folder / "empty", memory); }), ExitStatus::bad_data);
}

}  // namespace
}  // namespace rankflow
