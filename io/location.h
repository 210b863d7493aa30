// Where data lie that no path of this machine leads to: the URL of an object store or a web server, and what it takes to read
// there. Plain data; io/remote_store.h goes there.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "io/json.h"

namespace rankflow {

struct Location {
  std::string
      url;  // s3://BUCKET/KEY, gs://BUCKET/KEY, abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH, https://…
  std::string sha256;    // of a single file, 64 hexadecimal digits; "" where it is not declared
  std::string endpoint;  // another server than the provider's: http://HOST:PORT
  std::string region;
  std::string query, connection,
      version;             // of a database: SQL, reference to an ODBC connection string, state of the tables
  bool anonymous = false;  // without signing requests
  std::map<std::string, std::string>
      credentials;  // what they are for → reference (io/secret.h); "" → one to all of them (credential_in)
};

/// Whether a text is a URL: it begins with SCHEME://.
bool is_url(std::string_view text);
/// "s3", "https", …
std::string scheme_of(const Location& location);
/// An object store, which has folders; otherwise a web server, which has single files.
bool is_object_store(const Location& location);
/// What stands for the content without asking anybody: the declared SHA-256, or that of query, connection and version; "" otherwise.
std::string declared_digest(const Location& location);
/// The URL of an object store with a glob in its path, such as s3://bucket/data/2024-*/part-*.csv: the folder above the first
/// component with a wildcard, and the rest. Of others `pattern` is "" and `folder` the URL.
struct UrlPattern {
  std::string folder, pattern;
};
UrlPattern pattern_of(const Location& location);
/// What messages call it.
std::string shown(const Location& location);
/// The last component of the URL's path: what the file or folder is called where it is staged. What a glob matches is a selection
/// there (io/selection.h), whose folder is always called so: "files".
std::string name_of(const Location& location);

/// What `name` ("secret_key") is in a secret that holds all credentials of a store, "" where it holds no such one. For s3 these are
/// ACCESS_KEY:SECRET_KEY or ACCESS_KEY:SECRET_KEY:SESSION_TOKEN, as s3fs has them in its password file; for the others it is the
/// service account or account key itself. Throws Error (configuration), which doesn't repeat the secret.
std::string credential_in(const std::string& secret, const Location& location, const std::string& name);

/// Throws Error (configuration): a scheme that is not known, no bucket or no path, a name and password or a query in the URL (keys
/// say these, and secrets stand in no pipeline), a web URL without `sha256`, a digest that is none, a credential that is no
/// reference or that the scheme does not know.
void check_location(const Location& location);

Json to_json(const Location& location);
Location location_from_json(const Json& json);

}  // namespace rankflow
