#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

#include "store_fixture.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

TEST_F(StoreTest, PublishesAndFindsAgain) {
  const std::string digest = publish({{"a.txt", "abc"}, {"sub/b", ""}});
  EXPECT_EQ(store.check_artifact(digest, Verify::presence), "");
  EXPECT_EQ(store.check_artifact(digest, Verify::content), "");
  EXPECT_EQ(read_file(store.artifact_path(digest) + "/a.txt"), "abc");
  EXPECT_EQ(sha256(read_file(store.layout().manifest(digest))), digest);
  EXPECT_EQ(read_json(store.layout().producer(digest))["run"], "test");
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);

  EXPECT_FALSE(store.put_action(record(digest)));
  const auto found = store.find_usable(fingerprint);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->outputs.at("data"), digest);
  EXPECT_EQ(found->run, "run-1");
  EXPECT_EQ(found->results["seconds"], 1.5);
  EXPECT_FALSE(store.find_usable(sha256("another step")));
  EXPECT_FALSE(store.find_action("../../etc/passwd"));
}

TEST_F(StoreTest, RemembersRecordsAsSummaries) {
  const ActionRecord all = {fingerprint,
                            {{"a b", sha256("1")}, {"c", sha256("2")}},
                            "run-1",
                            {{"loss", 0.25}, {"note", "two\nlines"}},
                            {{"seconds", 1.5}}};
  const ActionRecord back = from_summary(summarize(all), fingerprint);
  EXPECT_EQ(back.outputs, all.outputs);
  EXPECT_EQ(back.run, all.run);
  EXPECT_EQ(back.results, all.results);
  const ActionRecord bare = {fingerprint, {}, "", Json::object(), Json::object()};
  EXPECT_EQ(from_summary(summarize(bare), fingerprint).outputs, bare.outputs);
  EXPECT_EQ(from_summary(summarize(bare), fingerprint).results, bare.results);
  EXPECT_EQ(decode_action_record(encode(all), fingerprint)->details, all.details);
}

TEST_F(StoreTest, DigestFollowsContentOnly) {
  const std::string first = publish({{"a", "1"}, {"b", "2"}});
  EXPECT_EQ(store.publish(staged({{"b", "2"}, {"a", "1"}}), {{"run", "another"}}), first);
  EXPECT_EQ(read_json(store.layout().producer(first))["run"], "test");  // the first copy stays
  EXPECT_NE(publish({{"a", "1"}, {"b", "3"}}), first);
  EXPECT_NE(publish({{"a", "1"}, {"c", "2"}}), first);
  Staging executable = staged({{"a", "1"}, {"b", "2"}});
  chmod((executable.data() + "/a").c_str(), 0700);
  EXPECT_NE(store.publish(std::move(executable), {}), first);
  Staging with_folder = staged({{"a", "1"}, {"b", "2"}});
  make_directories(with_folder.data() + "/empty");
  const std::string other = store.publish(std::move(with_folder), {});
  EXPECT_NE(other, first);
  EXPECT_TRUE(exists(store.artifact_path(other) + "/empty"));
  EXPECT_EQ(store.check_artifact(publish({}), Verify::content), "");
}

TEST_F(StoreTest, ReportsFormerOutputsOfTheSameFingerprint) {
  const std::string one = publish({{"a", "1"}}), two = publish({{"a", "2"}});
  EXPECT_FALSE(store.put_action(record(one)));
  EXPECT_FALSE(store.put_action(record(one)));
  const auto former = store.put_action(record(two));
  ASSERT_TRUE(former);
  EXPECT_EQ(former->outputs.at("data"), one);
  EXPECT_EQ(store.find_usable(fingerprint)->outputs.at("data"), two);
}

TEST_F(StoreTest, PublishesToBeSyncedLater) {
  const std::string digest = store.publish(staged({{"a.txt", "abc"}}), {{"run", "test"}}, Durability::later);
  store.put_action(record(digest), Durability::later);
  EXPECT_TRUE(store.find_usable(fingerprint));
  EXPECT_EQ(publish({{"a.txt", "abc"}}), digest);
  EXPECT_NO_THROW(store.sync());
  EXPECT_TRUE(store.find_usable(fingerprint));
}

TEST_F(StoreTest, ModesAreTheDocumentedOnesWhateverTheUmask) {
  for (const mode_t mask : {0, 022, 077}) {
    const mode_t before = umask(mask);
    Store other(folder / "store-" + std::to_string(mask), memory);
    other.prepare_for_writing();
    Staging staging = other.stage();
    make_directories(staging.data() + "/sub");
    write_file_atomically(staging.data() + "/sub/a", "x");
    write_file_atomically(staging.data() + "/program", "x");
    chmod((staging.data() + "/program").c_str(), 0711);
    const std::string digest = other.publish(std::move(staging), {});
    other.put_action({fingerprint, {{"data", digest}}, "", {}});
    umask(before);
    for (const auto& entry : fs::recursive_directory_iterator(other.layout().root)) {
      if (!entry.is_directory()) continue;
      EXPECT_EQ(mode_of(entry.path()), 02775u) << entry.path();
    }
    EXPECT_EQ(mode_of(other.layout().artifact_data(digest) + "/sub/a"), 0444u);
    EXPECT_EQ(mode_of(other.layout().artifact_data(digest) + "/program"), 0555u);
    EXPECT_EQ(mode_of(other.layout().manifest(digest)), 0664u);
    EXPECT_EQ(mode_of(other.layout().producer(digest)), 0664u);
    EXPECT_EQ(mode_of(other.layout().action(fingerprint)), 0664u);
  }
}

TEST_F(StoreTest, RefusesOutputsThatAreNoPlainFiles) {
  const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> cases = {
      {"link", [](const std::string& p) { fs::create_symlink("/etc/passwd", p); }},
      {"fifo", [](const std::string& p) { mkfifo(p.c_str(), 0600); }},
      {"hard", [&](const std::string& p) { fs::create_hard_link(folder / "elsewhere", p); }},
      {"caf\xe9", [](const std::string& p) { write_file_atomically(p, "x"); }},
  };
  write_file_atomically(folder / "elsewhere", "x");
  for (const auto& [name, make] : cases) {
    Staging staging = staged({{"sub/fine", "x"}});
    make(staging.data() + "/sub/" + name);
    std::string message;
    EXPECT_EQ(status_of([&] { store.publish(std::move(staging), {}); }, &message), ExitStatus::bad_data)
        << name;
    EXPECT_NE(message.find("/sub/" + name), std::string::npos) << message;
    EXPECT_EQ(count_below(store.layout().temporary()), 0u) << name;
  }
  EXPECT_EQ(mode_of(folder / "elsewhere"), 0664u);
  EXPECT_EQ(count_below(store.layout().artifacts()), 0u);
}

TEST_F(StoreTest, UnpublishedStagingIsRemoved) {
  std::string path;
  {
    Staging staging = staged({{"a", "x"}});
    path = staging.path();
    EXPECT_TRUE(exists(path));
    Staging moved = std::move(staging);
    EXPECT_TRUE(exists(path));
  }
  EXPECT_FALSE(exists(path));
  Staging released = staged({{"a", "x"}});
  path = released.path();
  released.release();
  { Staging gone = std::move(released); }
  EXPECT_TRUE(exists(path));
  Staging adopted(path);  // by another rank
  EXPECT_EQ(store.check_artifact(store.publish(std::move(adopted), {}), Verify::content), "");
}

// Fault 20, with 16 processes: one winner, all succeed.
TEST_F(StoreTest, ManyProcessesPublishTheSame) {
  int gate[2];
  ASSERT_EQ(pipe(gate), 0);
  std::vector<pid_t> children;
  for (int i = 0; i < 16; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      close(gate[1]);
      char byte;
      [[maybe_unused]] auto n =
          read(gate[0], &byte, 1);  // returns in all of them when the parent closes its end
      int result = 1;
      try {
        const std::string digest = publish({{"a", "same"}, {"sub/b", std::string(100'000, 'x')}});
        store.put_action(record(digest));
        result = store.check_artifact(digest, Verify::content).empty() ? 0 : 2;
      } catch (const std::exception& e) {
        fprintf(stderr, "process %d: %s\n", i, e.what());
      }
      _exit(result);
    }
    ASSERT_GT(child, 0);
    children.push_back(child);
  }
  close(gate[0]);
  close(gate[1]);
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);
  EXPECT_EQ(count_below(store.layout().damaged()), 0u);
  EXPECT_TRUE(store.find_usable(fingerprint));
}

TEST(Store, OfAMissingFolderIsEmpty) {
  TemporaryFolder folder;
  FileMemory memory("");
  Store store(folder / "none", memory);
  EXPECT_FALSE(store.find_usable(sha256("x")));
  EXPECT_NE(store.check_artifact(sha256("x"), Verify::content), "");
  EXPECT_FALSE(exists(folder / "none"));
}

TEST(Store, MissingArtifactIsAnErrorAfterABoundedWait) {
  TemporaryFolder folder;
  FileMemory memory("");
  Store store(folder / "store", memory);
  store.prepare_for_writing();
  std::string message;
  EXPECT_EQ(status_of([&] { store.artifact_path(sha256("x")); }, &message), ExitStatus::io);
  EXPECT_NE(message.find(sha256("x")), std::string::npos);
}

TEST(Store, RefusesAFolderThatEveryoneMayWrite) {
  TemporaryFolder folder;
  FileMemory memory("");
  make_directories(folder / "store");
  chmod((folder / "store").c_str(), 0777);
  std::string message;
  EXPECT_EQ(status_of([&] { Store(folder / "store", memory); }, &message), ExitStatus::permission);
  EXPECT_NE(message.find("mode 0777"), std::string::npos) << message;
  chmod((folder / "store").c_str(), 01777);
  EXPECT_EQ(status_of([&] { Store(folder / "store", memory).prepare_for_writing(); }), ExitStatus::ok);
  chmod((folder / "store/artifacts").c_str(), 0777);
  EXPECT_EQ(status_of([&] { Store(folder / "store", memory).prepare_for_writing(); }),
            ExitStatus::permission);
}

TEST(Store, SaysWhoMayNotWriteWhere) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  TemporaryFolder folder;
  make_directories(folder / "store");
  chmod((folder / "store").c_str(), 0755);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (setgid(65534) != 0 || setuid(65534) != 0) _exit(9);
    FileMemory memory("");
    std::string message;
    const auto status = status_of([&] { Store(folder / "store", memory).prepare_for_writing(); }, &message);
    const bool says = message.find(folder / "store has mode 0755 and owner root") != std::string::npos &&
                      message.find("user nobody") != std::string::npos;
    if (!says) fprintf(stderr, "%s\n", message.c_str());
    _exit(status == ExitStatus::permission && says ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Store, DefaultPlaceComesFromTheEnvironment) {
  setenv("RANKFLOW_STORE", "/shared/store", 1);
  EXPECT_EQ(default_store(), "/shared/store");
  unsetenv("RANKFLOW_STORE");
  EXPECT_EQ(default_store(), absolute_path(".rankflow"));
}

}  // namespace
}  // namespace rankflow
