#include <arrow/buffer.h>
#include <arrow/filesystem/azurefs.h>
#include <arrow/filesystem/filesystem.h>
#include <arrow/filesystem/gcsfs.h>
#include <arrow/filesystem/s3fs.h>
#include <arrow/io/interfaces.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "base/parallel.h"
#include "base/path_pattern.h"
#include "base/text.h"
#include "io/published_mark.h"
#include "io/remote_store.h"
#include "io/secret.h"

namespace rankflow {
namespace {

namespace fs = arrow::fs;

constexpr int requests_at_once = 16;
constexpr std::int64_t block = 8 << 20;

/// What the servers say, in the words of the one question.
template <typename Status>
void check(const Status& status, const std::string& doing, const std::string& url) {
  if (status.ok()) return;
  const std::string text = status.message();
  const bool denied = text.find("ACCESS_DENIED") != std::string::npos ||
                      text.find("403") != std::string::npos ||
                      text.find("INVALID_ACCESS_KEY") != std::string::npos ||
                      text.find("SIGNATURE_DOES_NOT_MATCH") != std::string::npos;
  throw Error(denied ? ExitStatus::permission : ExitStatus::io, str("cannot ", doing, " ", url, ": ", text),
              denied ? "the key `credentials`, or the provider's own settings" : "");
}

template <typename T>
T value(arrow::Result<T> result, const std::string& doing, const std::string& url) {
  check(result.status(), doing, url);
  return std::move(result).ValueUnsafe();
}

std::string credential(const Location& location, const std::string& name) {
  if (const auto all = location.credentials.find(""); all != location.credentials.end())
    return credential_in(secret_of(all->second), location, name);
  const auto found = location.credentials.find(name);
  return found == location.credentials.end() ? "" : secret_of(found->second);
}

struct Endpoint {
  std::string scheme = "https", host;
};
/// AWS's own setting for another server than its own, which Arrow leaves to its callers; "" where there is none.
std::string endpoint_of_environment() {
  for (const char* name : {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}) {
    if (const char* url = std::getenv(name); url && is_url(url)) return url;
  }
  return "";
}

Endpoint endpoint_of(const Location& location) {
  Endpoint endpoint;
  const std::string url = location.endpoint.empty() && scheme_of(location) == "s3" ? endpoint_of_environment()
                                                                                   : location.endpoint;
  if (url.empty()) return endpoint;
  const auto colon = url.find("://");
  endpoint.scheme = url.substr(0, colon);
  endpoint.host = url.substr(colon + 3);
  while (endpoint.host.ends_with('/')) endpoint.host.pop_back();
  return endpoint;
}

std::shared_ptr<fs::FileSystem> open_s3(const Location& location) {
  check(fs::EnsureS3Initialized(), "start", "the S3 client");
  fs::S3Options options;
  if (location.anonymous) {
    options = fs::S3Options::Anonymous();
  } else if (!location.credentials.empty()) {
    options =
        fs::S3Options::FromAccessKey(credential(location, "access_key"), credential(location, "secret_key"),
                                     credential(location, "session_token"));
  } else {
    options = fs::S3Options::Defaults();
  }
  const Endpoint endpoint = endpoint_of(location);
  options.endpoint_override = endpoint.host;
  options.scheme = endpoint.scheme;
  if (!location.region.empty()) options.region = location.region;
  options.connect_timeout = 10;
  options.request_timeout = 60;
  options.retry_strategy = fs::S3RetryStrategy::GetAwsStandardRetryStrategy(4);
  options.background_writes = false;
  options.allow_delayed_open = true;  // a small file takes one request
  return value(fs::S3FileSystem::Make(options), "reach", location.url);
}

std::shared_ptr<fs::FileSystem> open_gs(const Location& location) {
  fs::GcsOptions options = location.anonymous ? fs::GcsOptions::Anonymous() : fs::GcsOptions::Defaults();
  if (const std::string account = credential(location, "service_account"); !account.empty())
    options = fs::GcsOptions::FromServiceAccountCredentials(account);
  const Endpoint endpoint = endpoint_of(location);
  options.endpoint_override = endpoint.host;
  options.scheme = endpoint.scheme;
  options.retry_limit_seconds = 30;
  return value(fs::GcsFileSystem::Make(options), "reach", location.url);
}

std::shared_ptr<fs::FileSystem> open_abfs(const Location& location) {
  std::string path;
  auto options = value(fs::AzureOptions::FromUri(location.url, &path), "read", location.url);
  if (!location.endpoint.empty()) {
    const Endpoint endpoint = endpoint_of(location);
    options.blob_storage_authority = options.dfs_storage_authority = endpoint.host;
    options.blob_storage_scheme = options.dfs_storage_scheme = endpoint.scheme;
  }
  if (location.anonymous) {
    check(options.ConfigureAnonymousCredential(), "reach", location.url);
  } else if (const std::string key = credential(location, "account_key"); !key.empty()) {
    check(options.ConfigureAccountKeyCredential(key), "reach", location.url);
  } else if (const std::string token = credential(location, "sas_token"); !token.empty()) {
    check(options.ConfigureSASCredential(token), "reach", location.url);
  } else {
    check(options.ConfigureDefaultCredential(), "reach", location.url);
  }
  return value(fs::AzureFileSystem::Make(options), "reach", location.url);
}

/// BUCKET/KEY, as Arrow's file systems call it.
std::string path_of(const Location& location, const std::string& url) {
  std::string rest = url.substr(url.find("://") + 3);
  while (rest.ends_with('/')) rest.pop_back();
  if (const auto at = rest.find('@'); scheme_of(location) == "abfs" && at < rest.find('/'))
    rest = rest.substr(0, at) + rest.substr(rest.find('/'));
  return rest;
}

/// Names come from whoever writes to the bucket; they become paths on our disks.
void check_name(const std::string& name, const std::string& url) {
  const auto parts = split(name, '/');
  const bool good = !name.empty() && is_utf8(name) && name.find('\0') == std::string::npos &&
                    std::none_of(parts.begin(), parts.end(),
                                 [](const auto& p) { return p.empty() || p == "." || p == ".."; });
  if (!good)
    throw Error(ExitStatus::bad_data, str(url, " has an object whose name is no path: ", in_quotes(name)));
}

std::string version_in(const arrow::KeyValueMetadata* metadata) {
  if (!metadata) return "";
  for (const char* key : {"ETag", "etag", "Etag"}) {
    if (const int i = metadata->FindKey(key); i >= 0) return metadata->value(i);
  }
  return "";
}

class ObjectStore : public RemoteStore {
 public:
  ObjectStore(const Location& location, std::shared_ptr<fs::FileSystem> files)
      : url_(pattern_of(location).folder),
        pattern_(pattern_of(location).pattern),
        root_(path_of(location, url_)),
        files_(std::move(files)) {}

  std::vector<RemoteFile> list() override {
    auto infos = files_below();
    check_published(infos);  // a glob may leave out the file that says so
    std::erase_if(infos, [&](const fs::FileInfo& info) { return !is_wanted(info); });
    if (infos.empty() && !pattern_.empty())
      throw Error(ExitStatus::configuration, str("nothing in ", url_, " matches ", pattern_));
    if (infos.empty()) throw Error(ExitStatus::io, str("there is nothing at ", url_));
    std::vector<RemoteFile> found(infos.size());
    for_each_item(std::ssize(infos), requests_at_once, [&](std::int64_t i) {
      const fs::FileInfo& info = infos[static_cast<std::size_t>(i)];
      // What stands for the content of matches is not what stands for that of a folder with the same files: of such a folder
      // not all files are read.
      found[static_cast<std::size_t>(i)] = {name_in(info), info.size(),
                                            (pattern_.empty() ? "" : "matched ") + version_of(info)};
    });
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return found;
  }

  std::map<std::string, std::int64_t> sizes() override {
    std::map<std::string, std::int64_t> found;
    for (const fs::FileInfo& info : files_below()) {
      if (is_wanted(info)) found.emplace(name_in(info), info.size());
    }
    return found;
  }

  void read(const RemoteFile& file, Range range,
            const std::function<void(std::span<const std::byte>)>& take) override {
    const std::string path = full(file.path), url = shown(file.path);
    const auto in = value(files_->OpenInputFile(path), "open", url);
    if (value(in->GetSize(), "look at", url) != file.size)
      throw Error(ExitStatus::bad_data, str(url, " changed while it was read"));
    for (std::int64_t at = range.begin; at < range.end;) {
      const auto buffer = value(in->ReadAt(at, std::min(block, range.end - at)), "read", url);
      if (buffer->size() == 0) throw Error(ExitStatus::io, str(url, " ends early, after ", at, " bytes"));
      take({reinterpret_cast<const std::byte*>(buffer->data()), static_cast<std::size_t>(buffer->size())});
      at += buffer->size();
    }
  }

  void write(const std::string& name, const std::function<std::span<const std::byte>()>& next) override {
    const std::string url = shown(name);
    const auto out = value(files_->OpenOutputStream(target(name)), "write", url);
    try {
      for (auto bytes = next(); !bytes.empty(); bytes = next())
        check(out->Write(bytes.data(), static_cast<std::int64_t>(bytes.size())), "write", url);
    } catch (...) {
      // Arrow's destructor would close it, and what was written so far would be there as a whole object.
      static_cast<void>(out->Abort());
      throw;
    }
    check(out->Close(), "write", url);
  }

  void remove(const std::string& name) override {
    check(files_->DeleteFile(target(name)), "remove", shown(name));
  }

 private:
  std::vector<fs::FileInfo> files_below() {
    const fs::FileInfo top = value(files_->GetFileInfo(root_), "look at", url_);
    if (top.IsFile() && pattern_.empty()) return {top};
    std::vector<fs::FileInfo> infos;
    if (!top.IsDirectory()) return infos;
    fs::FileSelector all;
    all.base_dir = root_;
    all.recursive = true;
    for (auto& info : value(files_->GetFileInfo(all), "list", url_)) {
      if (info.IsFile()) infos.push_back(std::move(info));
    }
    return infos;
  }

  bool is_wanted(const fs::FileInfo& info) const {
    return pattern_.empty() || glob_matches(pattern_, name_in(info));
  }

  /// Throws where some of the files are of a place whose publishing has begun and not ended: they may be of two artifacts.
  void check_published(const std::vector<fs::FileInfo>& infos) const {
    std::set<std::string> names;
    for (const fs::FileInfo& info : infos) names.insert(name_in(info));
    for (const std::string& name : names) {
      const std::string place = name.substr(0, name.rfind('/') + 1);
      if (name != place + publishing_mark || names.contains(place + published_mark)) continue;
      throw Error(ExitStatus::bad_data,
                  str(shown(name), " says that rankflow is publishing there, or was interrupted"),
                  "the command that publishes it, again");
    }
  }

  /// "" for the location itself.
  std::string name_in(const fs::FileInfo& info) const {
    if (info.path() == root_) return "";
    const std::string name = info.path().substr(std::min(info.path().size(), root_.size() + 1));
    check_name(name, url_);
    return name;
  }

  /// Of what is written. Throws Error (configuration) where that is no single place.
  std::string target(const std::string& name) const {
    if (!pattern_.empty())
      throw Error(ExitStatus::configuration,
                  str(url_, "/", pattern_, " is a glob, and no place to write to"));
    return full(name);
  }
  std::string full(const std::string& name) const { return name.empty() ? root_ : root_ + "/" + name; }
  std::string shown(const std::string& name) const { return name.empty() ? url_ : url_ + "/" + name; }

  std::string version_of(const fs::FileInfo& info) {
    const auto in = value(files_->OpenInputFile(info.path()), "open", info.path());
    const auto metadata = value(in->ReadMetadata(), "look at", info.path());
    const std::string etag = version_in(metadata.get());
    return etag.empty() ? std::to_string(info.mtime().time_since_epoch().count()) : etag;
  }

  std::string url_, pattern_, root_;  // of a glob: its folder, and what it says below
  std::shared_ptr<fs::FileSystem> files_;
};

}  // namespace

std::unique_ptr<RemoteStore> open_object_store(const Location& location) {
  const std::string scheme = scheme_of(location);
  auto files = scheme == "s3" ? open_s3(location) : scheme == "gs" ? open_gs(location) : open_abfs(location);
  return std::make_unique<ObjectStore>(location, std::move(files));
}

void close_remote_stores() {
  if (fs::IsS3Initialized())
    static_cast<void>(fs::EnsureS3Finalized());  // too late for anyone to do something about
}

}  // namespace rankflow
