// Bytes that are not what was published, and disks that give none or take none.
#include <sys/mount.h>

#include "store_fixture.h"

namespace rankflow {
namespace {

namespace fs = std::filesystem;

// Faults 16 to 18: every bit of a small artifact, of its manifest and of the record.
TEST_F(StoreTest, NoticesEveryFlippedBitAndEveryTruncation) {
  const std::string digest = publish({{"a.txt", "some content"}, {"sub/b", "x"}});
  store.put_action(record(digest));
  const auto is_noticed = [&](const std::string& path) {
    if (path == store.layout().action(fingerprint)) return !store.find_action(fingerprint).has_value();
    return !store.check_artifact(digest, Verify::content).empty();
  };
  for (const auto& path :
       {store.layout().artifact_data(digest) + "/a.txt", store.layout().artifact_data(digest) + "/sub/b",
        store.layout().manifest(digest), store.layout().action(fingerprint)}) {
    const std::string whole = read_file(path);
    EXPECT_FALSE(is_noticed(path)) << path;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string flipped = whole;
        flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
        overwrite(path, flipped);
        ASSERT_TRUE(is_noticed(path)) << path << " byte " << i << " bit " << bit;
      }
      overwrite(path, whole.substr(0, i));
      ASSERT_TRUE(is_noticed(path)) << path << " cut off at " << i;
    }
    overwrite(path, whole + "\n");
    EXPECT_TRUE(is_noticed(path)) << path << " with a line more";
    overwrite(path, whole);
    EXPECT_FALSE(is_noticed(path)) << path;
  }
}

TEST_F(StoreTest, PresenceNoticesMissingAndShortFiles) {
  const std::string digest = publish({{"a", "abc"}});
  overwrite(store.layout().artifact_data(digest) + "/a", "abd");
  EXPECT_EQ(store.check_artifact(digest, Verify::presence), "");
  overwrite(store.layout().artifact_data(digest) + "/a", "ab");
  EXPECT_NE(store.check_artifact(digest, Verify::presence), "");
  fs::remove(store.layout().artifact_data(digest) + "/a");
  EXPECT_NE(store.check_artifact(digest, Verify::presence), "");
}

TEST_F(StoreTest, NoticesOtherFilesThanTheManifestSays) {
  const std::string digest = publish({{"a", "abc"}, {"sub/b", "x"}});
  const std::string data = store.layout().artifact_data(digest);
  const auto wrong = [&] { return !store.check_artifact(digest, Verify::content).empty(); };
  for (const char* extra : {"/extra", "/sub/extra"}) {
    write_file_atomically(data + extra, "x");
    EXPECT_TRUE(wrong()) << extra;
    fs::remove(data + extra);
    EXPECT_FALSE(wrong()) << extra;
  }
  make_directories(data + "/folder");
  EXPECT_TRUE(wrong());
  fs::remove(data + "/folder");
  fs::rename(data + "/a", folder / "a");
  EXPECT_TRUE(wrong());
  fs::create_symlink(folder / "a", data + "/a");
  EXPECT_TRUE(wrong());
  fs::remove(data + "/a");
  mkfifo((data + "/a").c_str(), 0644);
  EXPECT_TRUE(wrong());
  EXPECT_TRUE(!store.check_artifact(digest, Verify::presence).empty());
}

TEST_F(StoreTest, TakesAManifestThatIsMissingOrOfAnotherArtifactAsAbsent) {
  const std::string one = publish({{"a", "1"}}), two = publish({{"a", "2"}});
  store.put_action(record(one));
  fs::copy_file(store.layout().manifest(two), store.layout().manifest(one),
                fs::copy_options::overwrite_existing);
  EXPECT_NE(store.check_artifact(one, Verify::presence), "");
  EXPECT_NE(store.check_artifact(one, Verify::content), "");
  fs::remove(store.layout().manifest(two));
  EXPECT_NE(store.check_artifact(two, Verify::content), "");
  EXPECT_NE(store.check_artifact(sha256("nothing"), Verify::content), "");
  fs::copy_file(store.layout().action(fingerprint), store.layout().actions() + "/copy");
  const std::string other = sha256("another step");
  make_directories(parent_of(store.layout().action(other)));
  fs::rename(store.layout().actions() + "/copy", store.layout().action(other));
  EXPECT_FALSE(store.find_action(other));
}

TEST_F(StoreTest, SetsADamagedArtifactAsideAndMakesItAgain) {
  const std::string digest = publish({{"a", "abc"}});
  store.put_action(record(digest));
  overwrite(store.layout().artifact_data(digest) + "/a", "abd");
  std::string problem;
  EXPECT_FALSE(store.find_usable(fingerprint, &problem));
  EXPECT_NE(problem.find("output data: "), std::string::npos) << problem;
  EXPECT_NE(problem.find("/a has other bytes"), std::string::npos) << problem;
  EXPECT_EQ(count_below(store.layout().damaged()), 1u);
  EXPECT_FALSE(store.find_usable(fingerprint, &problem));
  EXPECT_NE(problem.find("is not in the store"), std::string::npos) << problem;
  EXPECT_EQ(publish({{"a", "abc"}}), digest);
  EXPECT_TRUE(store.find_usable(fingerprint, &problem));
}

TEST_F(StoreTest, PublishingReplacesADamagedCopy) {
  const std::string digest = publish({{"a", "abc"}});
  fs::remove(store.layout().manifest(digest));
  EXPECT_EQ(publish({{"a", "abc"}}), digest);
  EXPECT_EQ(store.check_artifact(digest, Verify::content), "");
  EXPECT_EQ(count_below(store.layout().damaged()), 1u);
}

/// A small file system of its own; `mounted` is false where this user may not mount one.
struct SmallDisk {
  SmallDisk(const std::string& at, const char* options) : path(at) {
    make_directories(path);
    mounted = mount("none", path.c_str(), "tmpfs", 0, options) == 0;
  }
  ~SmallDisk() {
    if (!mounted) return;
    EXPECT_EQ(umount(path.c_str()), 0);
  }
  std::string path;
  bool mounted = false;
};

// Fault 11: the disk is full, then space is freed.
TEST(Store, GoesOnAfterAFullDisk) {
  TemporaryFolder folder;
  SmallDisk disk(folder / "disk", "size=256k,mode=0755");
  if (!disk.mounted) GTEST_SKIP() << "may not mount a small file system here";
  FileMemory memory("");
  Store store(disk.path + "/store", memory);
  store.prepare_for_writing();
  write_file_atomically(disk.path + "/filler", std::string(200'000, 'x'));
  const auto publish = [&] {
    Staging staging = store.stage();
    write_file_atomically(staging.data() + "/a", std::string(100'000, 'y'));
    return store.publish(std::move(staging), {});
  };
  std::string message;
  EXPECT_EQ(status_of(publish, &message), ExitStatus::io);
  EXPECT_NE(message.find(" bytes to "), std::string::npos) << message;
  EXPECT_NE(message.find("No space left"), std::string::npos) << message;
  EXPECT_EQ(count_below(store.layout().temporary()), 0u);
  EXPECT_EQ(count_below(store.layout().artifacts()), 0u);
  fs::remove(disk.path + "/filler");
  EXPECT_EQ(store.check_artifact(publish(), Verify::content), "");
}

TEST(Store, ReadsFromAReadOnlyFileSystemAndSaysSoWhenWriting) {
  TemporaryFolder folder;
  SmallDisk disk(folder / "disk", "size=1m,mode=0755");
  if (!disk.mounted) GTEST_SKIP() << "may not mount a small file system here";
  FileMemory memory("");
  Store store(disk.path + "/store", memory);
  store.prepare_for_writing();
  Staging staging = store.stage();
  write_file_atomically(staging.data() + "/a", "abc");
  const std::string digest = store.publish(std::move(staging), {});
  const std::string fingerprint = sha256("x");
  store.put_action({fingerprint, {{"data", digest}}, "", {}});
  ASSERT_EQ(mount("none", disk.path.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_TRUE(store.find_usable(fingerprint));
  std::string message;
  EXPECT_EQ(status_of([&] { store.prepare_for_writing(); }, &message), ExitStatus::io);
  EXPECT_NE(message.find("Read-only file system"), std::string::npos) << message;
  ASSERT_EQ(mount("none", disk.path.c_str(), "tmpfs", MS_REMOUNT, nullptr), 0);
  overwrite(store.layout().artifact_data(digest) + "/a", "abd");
  ASSERT_EQ(mount("none", disk.path.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr), 0);
  EXPECT_FALSE(store.find_usable(fingerprint, &message));
  EXPECT_NE(message.find("can't be set aside"), std::string::npos) << message;
}

}  // namespace
}  // namespace rankflow
