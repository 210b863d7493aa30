#include "io/location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "io/secret.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string problem(const Location& location) {
  try {
    check_location(location);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    return describe(e);
  }
  return "no error";
}

const std::string digest(64, 'a');

TEST(Location, KnowsUrls) {
  for (const char* url : {"s3://b/k", "https://host/x", "abfs://c@a.dfs.core.windows.net/p"})
    EXPECT_TRUE(is_url(url)) << url;
  for (const char* path : {"/a/b", "a/b", "store:path", "://x", "a b://c", ""})
    EXPECT_FALSE(is_url(path)) << path;
}

TEST(Location, NamesWhatIsStaged) {
  EXPECT_EQ(name_of({.url = "s3://bucket/flights/2001/"}), "2001");
  EXPECT_EQ(name_of({.url = "https://host/a/rows.csv.gz?version=2"}), "rows.csv.gz");
  EXPECT_EQ(name_of({.url = "s3://bucket"}), "");
  EXPECT_EQ(name_of({.url = "s3://bucket/.."}), "");
  EXPECT_EQ(name_of({.query = "SELECT 1"}), "query.jsonl");
}

TEST(Location, GoodOnesPass) {
  EXPECT_EQ(
      problem(
          {.url = "s3://bucket/key", .endpoint = "http://127.0.0.1:9000", .region = "x", .anonymous = true}),
      "no error");
  EXPECT_EQ(problem({.url = "gs://bucket/key", .credentials = {{"service_account", "file:/keys/key.json"}}}),
            "no error");
  EXPECT_EQ(problem({.url = "abfs://container@account.dfs.core.windows.net/path"}), "no error");
  EXPECT_EQ(problem({.url = "https://host/x?y=1", .sha256 = digest}), "no error");
  EXPECT_EQ(problem({.query = "SELECT 1", .connection = "env:DB", .version = "1"}), "no error");
}

TEST(Location, OneSecretMayHoldAllCredentials) {
  const Location s3{.url = "s3://bucket/key", .credentials = {{"", "env:ALL"}}};
  EXPECT_EQ(problem(s3), "no error");
  EXPECT_EQ(credential_in("id:secret", s3, "access_key"), "id");
  EXPECT_EQ(credential_in("id:secret", s3, "secret_key"), "secret");
  EXPECT_EQ(credential_in("id:secret", s3, "session_token"), "");
  EXPECT_EQ(credential_in("id:secret:token", s3, "session_token"), "token");
  for (const char* secret : {"canary", "canary:", ":canary", "canary:b:c:d"}) {
    try {
      credential_in(secret, s3, "access_key");
      ADD_FAILURE() << secret;
    } catch (const Error& e) {
      EXPECT_THAT(describe(e), Not(HasSubstr("canary")));
    }
  }
  const Location abfs{.url = "abfs://c@a.dfs.core.windows.net/p"};
  EXPECT_EQ(credential_in("a:key==", abfs, "account_key"), "a:key==");
  EXPECT_EQ(credential_in("a:key==", abfs, "sas_token"), "");
  EXPECT_THAT(problem({.url = "s3://b/k", .credentials = {{"", "env:ALL"}, {"access_key", "env:A"}}}),
              HasSubstr("has no \"\""));
  EXPECT_THAT(problem({.url = "s3://b/k", .credentials = {{"", "canary"}}}), Not(HasSubstr("canary")));
}

TEST(Location, MistakesAreNamed) {
  EXPECT_THAT(problem({.url = "ftp://host/x"}), HasSubstr("there are s3, gs, abfs"));
  EXPECT_THAT(problem({.url = "s3://bucket"}), HasSubstr("whole bucket"));
  EXPECT_THAT(problem({.url = "s3:///key"}), HasSubstr("no bucket"));
  EXPECT_THAT(problem({.url = "s3://bucket/key?endpoint_override=x"}), HasSubstr("query"));
  EXPECT_THAT(problem({.url = "https://host/x"}), HasSubstr("checksum"));
  EXPECT_THAT(problem({.url = "https://host/x", .sha256 = "ABC"}), HasSubstr("64 hexadecimal"));
  EXPECT_THAT(problem({.url = "https://host/x", .sha256 = digest, .region = "x"}),
              HasSubstr("for object stores"));
  EXPECT_THAT(problem({.url = "s3://b/k", .endpoint = "127.0.0.1:9000"}), HasSubstr("http://HOST:PORT"));
  EXPECT_THAT(problem({.url = "s3://b/k", .credentials = {{"password", "env:X"}}}),
              HasSubstr("it has access_key"));
  EXPECT_THAT(problem({.url = "s3://b/k", .anonymous = true, .credentials = {{"access_key", "env:X"}}}),
              HasSubstr("anonymous"));
  EXPECT_THAT(problem({.query = "SELECT 1", .version = "1"}), HasSubstr("connection"));
  EXPECT_THAT(problem({.query = "SELECT 1", .connection = "env:DB"}), HasSubstr("version"));
}

TEST(Location, WhatMayBeASecretIsNotShown) {
  EXPECT_THAT(problem({.url = "s3://me:hunter2@bucket/key"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(problem({.url = "https://me:hunter2@host/key", .sha256 = digest}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(problem({.url = "abfs://me:hunter2@account/key"}), Not(HasSubstr("hunter2")));
  EXPECT_THAT(problem({.url = "s3://b/k", .credentials = {{"secret_key", "hunter2"}}}),
              Not(HasSubstr("hunter2")));
}

TEST(Location, TravelsAsJson) {
  const Location location{.url = "s3://b/k", .region = "r", .credentials = {{"access_key", "env:A"}}};
  EXPECT_EQ(to_json(location_from_json(to_json(location))), to_json(location));
  EXPECT_NE(declared_digest({.query = "a", .connection = "env:DB", .version = "1"}),
            declared_digest({.query = "a", .connection = "env:DB", .version = "2"}));
}

TEST(Secret, ComesFromVariablesAndPrivateFiles) {
  TemporaryFolder folder;
  ::setenv("RANKFLOW_TEST_SECRET", "s3cret", 1);
  EXPECT_EQ(secret_of("env:RANKFLOW_TEST_SECRET"), "s3cret");
  ::unsetenv("RANKFLOW_TEST_SECRET");
  EXPECT_THROW(secret_of("env:RANKFLOW_TEST_SECRET"), Error);
  const std::string path = folder / "secret";
  write_file_atomically(path, "from a file\n", false);
  ::chmod(path.c_str(), 0600);
  EXPECT_EQ(secret_of("file:" + path), "from a file");
  ::chmod(path.c_str(), 0640);
  try {
    secret_of("file:" + path);
    FAIL() << "others may read it";
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::permission);
  }
  EXPECT_THROW(secret_of("file:" + (folder / "none")), Error);
}

TEST(Location, GlobsBeginAtTheFirstComponentWithAWildcard) {
  const auto of = [](const std::string& url) {
    Location location;
    location.url = url;
    const UrlPattern found = pattern_of(location);
    return str(found.folder, " ", found.pattern);
  };
  EXPECT_EQ(of("s3://bucket/data/2024-*/part-*.csv"), "s3://bucket/data 2024-*/part-*.csv");
  EXPECT_EQ(of("s3://bucket/*.csv"), "s3://bucket *.csv");
  EXPECT_EQ(of("s3://bucket/a[0-9]/b"), "s3://bucket a[0-9]/b");
  EXPECT_EQ(of("s3://bucket/data/x.csv"), "s3://bucket/data/x.csv ");
  EXPECT_EQ(of("https://host/*.csv"), "https://host/*.csv ") << "web servers have no lists";
}

}  // namespace
}  // namespace rankflow
