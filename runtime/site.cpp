#include "runtime/site.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "io/file.h"
#include "runtime/yaml.h"

namespace rankflow {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::vector<std::string> usual_files() {
  std::vector<std::string> files;
  if (const auto folder = variable("XDG_CONFIG_HOME"); !folder.empty()) {
    files.push_back(folder + "/rankflow/site.yaml");
  } else if (const auto home = variable("HOME"); !home.empty()) {
    files.push_back(home + "/.config/rankflow/site.yaml");
  }
  files.push_back("/etc/rankflow/site.yaml");
  return files;
}

/// Never repeats what stands there: it may be the secret itself.
std::string read_reference(const Node& node, const std::string& file, const std::string& what) {
  const std::string& text = node.text;
  const bool reference = node.kind == Node::Kind::scalar &&
                         ((text.starts_with("env:") && text.size() > 4) || text.starts_with("file:/"));
  if (reference && text.find_first_of(" \t\r\n") == std::string::npos) return text;
  throw ConfigError(
      mark_of(node, file),
      str(what, ": credentials say where they are, env:NAME or file:PATH; they are never written here"));
}

/// One reference to all of them, under "", or one for each name.
std::map<std::string, std::string> read_credentials(const Node& node, const std::string& file,
                                                    const std::string& what) {
  std::map<std::string, std::string> credentials;
  if (node.kind == Node::Kind::null) return credentials;
  if (node.kind != Node::Kind::mapping) return {{"", read_reference(node, file, what)}};
  for (const auto& [name, reference] : node.entries)
    credentials[name.text] = read_reference(reference, file, what);
  return credentials;
}

/// What it takes to reach an object store: the keys beside `uri`.
void read_location(const Node& key, const Node& node, const Json& given, Datastore& out) {
  const std::string what = str("datastore ", in_quotes(out.name));
  Location& location = out.location;
  location.url = given.at("uri");
  while (location.url.ends_with('/')) location.url.pop_back();
  location.endpoint = given.value("endpoint", "");
  location.region = given.value("region", "");
  location.anonymous = given.value("anonymous", false);
  if (const Node* credentials = node.find("credentials"))
    location.credentials = read_credentials(*credentials, out.file, what);
  if (location.url.find("://") == std::string::npos) {
    throw ConfigError(mark_of(*node.find("uri"), out.file),
                      str(what, ": a uri is like s3://bucket/prefix, not ", in_quotes(location.url)));
  }
  try {
    if (!is_object_store(location)) {
      throw Error(ExitStatus::configuration, "a web server is no datastore",
                  "an input with `url` and `sha256` in the pipeline");
    }
    location_in(out, "x");
  } catch (const Error& e) {
    throw ConfigError(mark_of(key, out.file), str(what, ": ", describe(e)));
  }
}

Datastore read_datastore(const Node& key, const Node& node, const std::string& file) {
  const std::string what = str("datastore ", in_quotes(key.text));
  if (!is_plain_name(key.text) || key.text.size() < 2) {
    throw ConfigError(mark_of(key, file), str(what,
                                              ": a name has at least two letters, digits, \"_\", \"-\" or "
                                              "\".\", and begins with a letter, digit "
                                              "or \"_\""));
  }
  const Json given = validate(node, datastore_fields(), file, what);
  Datastore out{key.text, given.value("path", ""), {}, given.value("description", ""), file};
  if (out.path.empty() == given.value("uri", "").empty()) {
    throw ConfigError(mark_of(key, file), str(what, " has either a path or a uri"));
  }
  if (!out.is_folder()) {
    read_location(key, node, given, out);
    return out;
  }
  if (out.path[0] != '/') {
    throw ConfigError(mark_of(*node.find("path"), file),
                      str(what, ": the path begins with \"/\", not ", in_quotes(out.path)));
  }
  for (const char* option : {"endpoint", "region", "anonymous", "credentials"}) {
    if (const Node* found = node.find(option); found && found->kind != Node::Kind::null)
      throw ConfigError(mark_of(*found, file), str(what, ": `", option, "` goes with `uri`"));
  }
  out.path = absolute_path(out.path);
  return out;
}

void read_file_into(Site& site, const std::string& file) {
  const Node tree = load_yaml(file);
  if (tree.kind == Node::Kind::null) return;
  const Json given = validate(tree, site_fields(), file, "the site file");
  if (const Node* datastores = tree.find("datastores");
      datastores && datastores->kind == Node::Kind::mapping) {
    for (const auto& [key, node] : datastores->entries) {
      Datastore datastore = read_datastore(key, node, file);
      if (!site.find(datastore.name)) site.datastores.push_back(std::move(datastore));
    }
  }
  const auto downloads = given.find("downloads");
  if (downloads == given.end() || !downloads->is_object()) return;
  if (site.downloads.folder.empty()) site.downloads.folder = downloads->value("folder", "");
  if (site.downloads.keep_bytes == 0) site.downloads.keep_bytes = 1e9 * downloads->value("keep_gb", 0.0);
  if (const auto& folder = site.downloads.folder; !folder.empty() && folder[0] != '/') {
    throw ConfigError(mark_of(*tree.find("downloads"), file),
                      str("downloads.folder begins with \"/\", not ", in_quotes(folder)));
  }
}

}  // namespace

const Datastore* Site::find(const std::string& name) const {
  const auto found =
      std::find_if(datastores.begin(), datastores.end(), [&](const Datastore& d) { return d.name == name; });
  return found == datastores.end() ? nullptr : &*found;
}

Fields datastore_fields() {
  return {
      text("path", "A folder, beginning with `/`"),
      text("uri", "An object store: `s3://bucket/prefix`, or the same with gs and abfs"),
      text("endpoint", "With `uri`: another server than the provider's, `http://HOST:PORT`"),
      text("region", "With `uri`: the bucket's region"),
      boolean("anonymous", "With `uri`: requests are not signed"),
      any("credentials",
          "With `uri`: where the credentials are, `env:NAME` or `file:PATH` (mode 0600), never what they "
          "are. "
          "Either one "
          "reference to all of them (s3: `ACCESS_KEY:SECRET_KEY`), or one for each name, as inputs have "
          "them. Otherwise the provider's own settings count"),
      text("description", "What it is, for people"),
  };
}

Fields site_fields() {
  return {
      map("datastores", object("", datastore_fields(), ""), "Named places for data: name → `path` or `uri`"),
      object("downloads",
             {text("folder",
                   "Where `access: download` puts its copies, on each node. Otherwise `$TMPDIR`, or `/tmp`"),
              at_least(
                  number("keep_gb",
                         "Gigabytes of copies that are kept once no rank uses them any more. Otherwise none"),
                  0)},
             "Copies of inputs on a node's own disk"),
  };
}

Site read_site(const std::vector<std::string>& files) {
  Site site;
  site.files = files;
  for (const auto& file : files) {
    if (exists(file)) read_file_into(site, file);
  }
  return site;
}

Site load_site() {
  const std::string given = variable("RANKFLOW_SITE");
  if (given.empty()) return read_site(usual_files());
  if (!exists(given)) {
    throw Error(ExitStatus::configuration, str("$RANKFLOW_SITE names ", given, ", which is not there"),
                "unset RANKFLOW_SITE");
  }
  return read_site({given});
}

bool looks_like_datastore_path(const std::string& text) {
  const auto colon = text.find(':');
  return colon != std::string::npos && colon >= 2 && colon + 1 < text.size() &&
         is_plain_name(text.substr(0, colon)) && text.compare(colon, 3, "://") != 0;
}

DatastorePath split_datastore_path(const std::string& text) {
  const auto colon = text.find(':');
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::string path_in(const Datastore& datastore, const std::string& below) {
  const std::string path = absolute_path(str(datastore.path, "/", below));
  if (path == datastore.path || path.starts_with(datastore.path + "/")) return path;
  throw Error(
      ExitStatus::configuration,
      str(datastore.name, ":", below, " leads out of the datastore, whose folder is ", datastore.path),
      str(datastore.name, ":path/below"));
}

Location location_in(const Datastore& datastore, const std::string& below) {
  Location location = datastore.location;
  const auto begin = location.url.find("://") + 3;
  const std::string top = "/" + location.url.substr(begin);
  // A path of object stores is only a text: what leads upwards has to be worked out here.
  std::string path = std::filesystem::path(str(top, "/", below)).lexically_normal().string();
  while (path.ends_with('/')) path.pop_back();
  if (!path.starts_with(top + "/")) {
    const char* problem = path == top ? " is the datastore itself, " : " leads out of the datastore, ";
    throw Error(ExitStatus::configuration, str(datastore.name, ":", below, problem, location.url),
                str(datastore.name, ":path/below"));
  }
  location.url.replace(begin, std::string::npos, path.substr(1));
  check_location(location);
  return location;
}

}  // namespace rankflow
