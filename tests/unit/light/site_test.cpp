#include "runtime/site.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/text.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

class SiteTest : public ::testing::Test {
 protected:
  std::string put(const std::string& name, const std::string& text) {
    write_file_atomically(folder / name, text, false);
    return folder / name;
  }
  std::string refusal(const std::string& text) {
    try {
      read_site({put("bad.yaml", text)});
    } catch (const Error& e) {
      EXPECT_EQ(e.status(), ExitStatus::configuration);
      return e.message();
    }
    return "accepted";
  }
  TemporaryFolder folder;
};

TEST_F(SiteTest, TheFirstFileGoesBeforeTheSecond) {
  const auto own =
      put("own.yaml", "datastores:\n  scratch: {path: /mine/}\ndownloads: {folder: /local, keep_gb: 2}\n");
  const auto all =
      put("all.yaml",
          "datastores:\n  scratch: {path: /theirs}\n  bucket: {uri: 's3://b/x', credentials: 'env:KEY'}\n"
          "downloads: {folder: /other}\n");
  const Site site = read_site({own, folder / "missing.yaml", all});
  ASSERT_TRUE(site.find("scratch"));
  EXPECT_EQ(site.find("scratch")->path, "/mine");
  EXPECT_EQ(site.find("scratch")->file, own);
  EXPECT_FALSE(site.find("bucket")->is_folder());
  EXPECT_EQ(site.find("bucket")->location.url, "s3://b/x");
  EXPECT_EQ(site.find("bucket")->location.credentials.at(""), "env:KEY");
  EXPECT_FALSE(site.find("other"));
  EXPECT_EQ(site.downloads.folder, "/local");
  EXPECT_EQ(site.downloads.keep_bytes, 2e9);
}

TEST_F(SiteTest, MistakesAreNamedWithTheirPlace) {
  EXPECT_NE(refusal("datastores:\n  scratch: {pth: /x}\n")
                .find("bad.yaml:2:13: the site file: unknown key \"pth\" in datastores.scratch"),
            std::string::npos);
  EXPECT_NE(refusal("datastores: {a1: {path: rel}}\n").find("the path begins with \"/\""), std::string::npos);
  EXPECT_NE(refusal("datastores: {a1: {}}\n").find("either a path or a uri"), std::string::npos);
  EXPECT_NE(refusal("datastores: {a1: {path: /x, uri: 's3://b'}}\n").find("either a path or a uri"),
            std::string::npos);
  EXPECT_NE(refusal("datastores: {a1: {uri: b}}\n").find("s3://bucket/prefix"), std::string::npos);
  EXPECT_NE(refusal("datastores: {a: {path: /x}}\n").find("at least two"), std::string::npos);
  EXPECT_NE(refusal("datastores: {a/b: {path: /x}}\n").find("at least two"), std::string::npos);
  EXPECT_NE(refusal("datastore: {}\n").find("did you mean \"datastores\""), std::string::npos);
  EXPECT_NE(refusal("downloads: {keep_gb: -1}\n"), "accepted");
  EXPECT_NE(refusal("downloads: {folder: here}\n"), "accepted");
}

TEST_F(SiteTest, ASecretIsRefusedAndNotRepeated) {
  for (const char* credentials : {"'AKIA:canary'", "{access_key: env:A, secret_key: canary}", "[canary]",
                                  "{secret_key: {x: canary}}", "'file:canary'"}) {
    const auto said = refusal(str("datastores: {b1: {uri: 's3://b', credentials: ", credentials, "}}\n"));
    EXPECT_NE(said.find("env:NAME or file:PATH"), std::string::npos) << said;
    EXPECT_EQ(said.find("canary"), std::string::npos) << said;
  }
}

TEST_F(SiteTest, AnObjectStoreSaysWhatItTakesToGetIn) {
  const Site site = read_site({put("site.yaml",
                                   "datastores:\n"
                                   "  archive:\n"
                                   "    uri: s3://bucket/prefix/\n"
                                   "    endpoint: http://127.0.0.1:9000\n"
                                   "    region: here\n"
                                   "    credentials: {access_key: env:A, secret_key: 'file:/keys/b'}\n"
                                   "  open: {uri: 's3://open', anonymous: true}\n")});
  const Location location = location_in(*site.find("archive"), "flights/./2001.csv");
  EXPECT_EQ(location.url, "s3://bucket/prefix/flights/2001.csv");
  EXPECT_EQ(location.endpoint, "http://127.0.0.1:9000");
  EXPECT_EQ(location.region, "here");
  EXPECT_EQ(location.credentials.at("secret_key"), "file:/keys/b");
  EXPECT_EQ(location_in(*site.find("archive"), "/a/../b/").url, "s3://bucket/prefix/b");
  EXPECT_TRUE(location_in(*site.find("open"), "x").anonymous);
  EXPECT_EQ(location_in(*site.find("open"), "x").url, "s3://open/x");
  for (const char* below : {"../other/x", "a/../../x", "..", ".", "a/..", "/"})
    EXPECT_THROW(location_in(*site.find("archive"), below), Error) << below;
  EXPECT_THROW(location_in(*site.find("open"), "../bucket/prefix/x"), Error);

  const auto refused = [&](const std::string& keys) {
    return refusal(str("datastores: {b1: {", keys, "}}\n"));
  };
  EXPECT_NE(refused("uri: 'ftp://b/x'").find("\"ftp\" is not known"), std::string::npos);
  EXPECT_NE(refused("uri: 'https://host/x'").find("a web server is no datastore"), std::string::npos);
  EXPECT_NE(refused("uri: 's3://me:canary@b/x'").find("holds no secrets"), std::string::npos);
  EXPECT_NE(refused("uri: 's3://b', credentials: {password: 'env:A'}").find("no \"password\""),
            std::string::npos);
  EXPECT_NE(refused("uri: 's3://b', anonymous: true, credentials: 'env:A'").find("anonymous"),
            std::string::npos);
  EXPECT_NE(refused("path: /x, region: here").find("`region` goes with `uri`"), std::string::npos);
}

TEST(DatastorePath, IsToldByItsForm) {
  EXPECT_TRUE(looks_like_datastore_path("scratch:flights/2001.csv"));
  EXPECT_TRUE(looks_like_datastore_path("scratch:/flights"));
  for (const char* other :
       {"s3://bucket/x", "scratch:", "flights/a:b.csv", "./scratch:x", "c:x", "plain.csv", ":x"}) {
    EXPECT_FALSE(looks_like_datastore_path(other)) << other;
  }
  const Datastore scratch{.name = "scratch", .path = "/data"};
  EXPECT_EQ(path_in(scratch, "a/b.csv"), "/data/a/b.csv");
  EXPECT_EQ(path_in(scratch, "a/../b"), "/data/b");
  EXPECT_THROW(path_in(scratch, "../etc/passwd"), Error);
  EXPECT_THROW(path_in(scratch, "a/../../data2"), Error);
}

}  // namespace
}  // namespace rankflow
