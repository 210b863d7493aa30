#include "io/location.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "base/error.h"
#include "base/path_pattern.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/secret.h"

namespace rankflow {
namespace {

struct Scheme {
  const char* name;
  bool object_store;
  std::vector<std::string> credentials;  // the names that it knows
};

const std::vector<Scheme>& schemes() {
  static const std::vector<Scheme> all = {
      {"s3", true, {"access_key", "secret_key", "session_token"}},
      {"gs", true, {"service_account"}},
      {"abfs", true, {"account_key", "sas_token"}},
      {"https", false, {}},
      {"http", false, {}},
  };
  return all;
}

Error wrong(const std::string& message, const std::string& hint = {}) {
  return Error(ExitStatus::configuration, message, hint);
}

const Scheme& known_scheme(const Location& location) {
  const std::string name = scheme_of(location);
  std::vector<std::string> names;
  for (const Scheme& scheme : schemes()) {
    if (name == scheme.name) return scheme;
    names.push_back(scheme.name);
  }
  throw wrong(str("the scheme ", in_quotes(name), " is not known; there are ", join(names, ", ")));
}

/// What stands between "://" and the next '/'.
std::string authority_of(const std::string& url) {
  const auto begin = url.find("://") + 3;
  return url.substr(begin, std::min(url.find('/', begin), url.size()) - begin);
}

void check_url(const Location& location) {
  const std::string authority = authority_of(location.url), shown = in_quotes(location.url);
  const auto at = authority.find('@');
  const bool container = scheme_of(location) == "abfs";  // abfs://CONTAINER@ACCOUNT…
  if (at != std::string::npos && (!container || authority.find(':') < at)) {
    throw wrong("a URL holds a user or a password; a pipeline holds no secrets",
                "credentials: {access_key: env:NAME, …}");
  }
  if (authority.empty()) throw wrong(str(shown, " names no bucket or server"));
  if (location.url.find_first_of("?#") != std::string::npos && is_object_store(location))
    throw wrong(str(shown, " has a query"), "the keys endpoint, region and credentials");
  if (name_of(location).empty())
    throw wrong(str(shown, " names a whole bucket or server, and no file or folder in it"));
}

void check_credentials(const Location& location, const Scheme& scheme) {
  for (const auto& [name, reference] : location.credentials) {
    if (name.empty() && location.credentials.size() == 1 && !scheme.credentials.empty()) {
      check_reference("credentials", reference);
      continue;
    }
    if (std::find(scheme.credentials.begin(), scheme.credentials.end(), name) == scheme.credentials.end()) {
      throw wrong(str("credentials: ", scheme.name, " has no ", in_quotes(name), "; it has ",
                      scheme.credentials.empty() ? "none" : join(scheme.credentials, ", ")));
    }
    check_reference(str("credentials.", name), reference);
  }
  if (location.anonymous && !location.credentials.empty())
    throw wrong("anonymous: true needs no credentials", "leave out one of them");
}

}  // namespace

bool is_url(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '+' || c == '-' || c == '.';
  });
}

std::string scheme_of(const Location& location) {
  return location.url.substr(0, location.url.find("://"));
}

bool is_object_store(const Location& location) {
  return location.query.empty() && known_scheme(location).object_store;
}

std::string declared_digest(const Location& location) {
  if (location.query.empty()) return location.sha256;
  return sha256(Json{"rankflow query 1", location.query, location.connection, location.version}.dump());
}

std::string shown(const Location& location) {
  return location.query.empty() ? location.url : str("the query ", in_quotes(location.query));
}

UrlPattern pattern_of(const Location& location) {
  const std::string& url = location.url;
  if (!is_object_store(location)) return {url, ""};
  const auto path = url.find('/', url.find("://") + 3);
  for (auto begin = path; begin != std::string::npos;) {
    const auto end = url.find('/', begin + 1);
    if (is_glob(url.substr(begin, end - begin))) return {url.substr(0, begin), url.substr(begin + 1)};
    begin = end;
  }
  return {url, ""};
}

std::string name_of(const Location& location) {
  if (!location.query.empty()) return "query.jsonl";
  if (!pattern_of(location).pattern.empty()) return "files";
  const auto begin = location.url.find("://") + 3;
  const auto path = location.url.find('/', begin);
  if (path == std::string::npos) return "";
  std::string rest = location.url.substr(path, location.url.find_first_of("?#", path) - path);
  while (rest.ends_with('/')) rest.pop_back();
  const std::string name = rest.substr(rest.rfind('/') == std::string::npos ? 0 : rest.rfind('/') + 1);
  return name == "." || name == ".." ? "" : name;
}

std::string credential_in(const std::string& secret, const Location& location, const std::string& name) {
  const auto& names = known_scheme(location).credentials;
  const auto place = static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  if (scheme_of(location) != "s3") return place == 0 ? secret : "";
  const auto parts = split(secret, ':');
  if (parts.size() < 2 || parts.size() > 3 || parts[0].empty() || parts[1].empty()) {
    throw wrong(str("the credentials of ", location.url, " are not two words with a colon between them"),
                "ACCESS_KEY:SECRET_KEY");
  }
  return place < parts.size() ? parts[place] : "";
}

void check_location(const Location& location) {
  if (!location.query.empty()) {
    if (location.connection.empty())
      throw wrong("a query needs its `connection`", "connection: env:NAME or file:PATH");
    if (location.version.empty())
      throw wrong(
          "a query needs a `version`: what stands for the state of its tables, which nobody can see from "
          "outside",
          "version: 1, and another text when the query is to run again");
    return check_reference("connection", location.connection);
  }
  const Scheme& scheme = known_scheme(location);
  check_url(location);
  const bool digest = location.sha256.size() == 64 &&
                      location.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!location.sha256.empty() && !digest)
    throw wrong("sha256 must be 64 hexadecimal digits in lower case", "sha256sum FILE");
  if (!scheme.object_store) {
    if (location.sha256.empty())
      throw wrong(str(in_quotes(location.url), " needs its checksum: a server may give other bytes tomorrow"),
                  "{url: …, sha256: …}");
    if (!location.endpoint.empty() || !location.region.empty() || location.anonymous)
      throw wrong("endpoint, region and anonymous are for object stores");
  }
  if (!location.endpoint.empty() && !location.endpoint.starts_with("http://") &&
      !location.endpoint.starts_with("https://"))
    throw wrong(
        str("endpoint is ", in_quotes(location.endpoint), "; it must be http://HOST:PORT or https://HOST"));
  check_credentials(location, scheme);
}

Json to_json(const Location& l) {
  if (!l.query.empty()) return {{"query", l.query}, {"connection", l.connection}, {"version", l.version}};
  return {{"url", l.url},       {"sha256", l.sha256},       {"endpoint", l.endpoint},
          {"region", l.region}, {"anonymous", l.anonymous}, {"credentials", l.credentials}};
}

Location location_from_json(const Json& json) {
  Location l;
  l.query = json.value("query", "");
  l.connection = json.value("connection", "");
  l.version = json.value("version", "");
  l.url = json.value("url", "");
  l.sha256 = json.value("sha256", "");
  l.endpoint = json.value("endpoint", "");
  l.region = json.value("region", "");
  l.anonymous = json.value("anonymous", false);
  l.credentials = json.value("credentials", l.credentials);
  return l;
}

}  // namespace rankflow
