#include "runtime/input_kind.h"

#include <algorithm>

#include "base/path_pattern.h"
#include "base/text.h"
#include "io/file.h"
#include "io/optional_key.h"
#include "io/secret.h"
#include "runtime/input_resolution.h"

namespace rankflow {
namespace {

InputPath one_path(const std::string& path, const std::string& folder) {
  if (path.empty()) throw Error(ExitStatus::configuration, "the path is empty");
  if (is_url(path)) throw Error(ExitStatus::configuration, "a URL is no path", str("url: ", path));
  return {absolute_path(path[0] == '/' ? path : str(folder, "/", path)), noted_datastore(path)};
}

Field path_field() {
  return or_single(
      list("path", text("", ""),
           "A file or folder, relative to the pipeline file, or `DATASTORE:path`; a glob of these "
           "(`data/2024-*/part-*.csv`; `**` stands for folders at any depth), or a list of all "
           "these; without it `--input NAME=PATH` must give one"));
}

/// A path, a glob or a list of these; `input.list` says whether it is a list.
void read_path(const Json& given, const std::string& folder, PipelineInput& input) {
  const Json& value = given.at("path");
  const auto texts = value.is_array() ? value.get<std::vector<std::string>>()
                                      : std::vector<std::string>{value.get<std::string>()};
  if (texts.empty()) throw Error(ExitStatus::configuration, "the list is empty", "at least one path");
  if (!input.list && !is_glob(texts[0])) {
    const InputPath one = one_path(texts[0], folder);
    input.path = one.path;
    input.reference = one.reference;
    return;
  }
  for (const std::string& text : texts) {
    if (names_dataset(text)) {
      throw Error(ExitStatus::configuration, str("the dataset ", in_quotes(text), " can't be one of a list"),
                  str("an input of its own, or ./", text, " if a file is meant"));
    }
    input.paths.push_back(one_path(text, folder));
  }
}

void read_dataset(const Json& given, const std::string& folder, PipelineInput& input) {
  note_dataset(given.at("dataset"), folder, input);
}

/// A `url`, or a `query`; `file:` references may be relative to the pipeline file.
void read_remote(const Json& given, const std::string& folder, PipelineInput& input) {
  Location location = location_from_json(given);
  for (auto& [name, reference] : location.credentials) reference = reference_in(reference, folder);
  location.connection = reference_in(location.connection, folder);
  if (location.url.empty() && location.query.empty()) throw Error(ExitStatus::configuration, "it is empty");
  check_location(location);
  input.remote = std::move(location);
}

bool any_text(const std::string&) {
  return true;
}

bool no_text(const std::string&) {
  return false;
}

bool is_url_text(const std::string& text) {
  return is_url(text);
}

/// The kind that a mapping chooses; none where it says nothing of where the data are.
const InputKind* chosen(const Json& values) {
  const InputKind* kind = nullptr;
  for (const InputKind& k : input_kinds()) {
    if (!given(values, k.key)) continue;
    if (kind) throw Error(ExitStatus::configuration, str("it has both `", kind->key, "` and `", k.key, "`"));
    kind = &k;
  }
  return kind;
}

void check_options(const Json& values, const InputKind* kind) {
  for (const InputKind& other : input_kinds()) {
    for (const Field& option : other.options) {
      if (!given(values, option.name)) continue;
      const auto has = [&](const Field& f) { return f.name == option.name; };
      if (kind && std::any_of(kind->options.begin(), kind->options.end(), has)) continue;
      throw Error(ExitStatus::configuration, str("`", option.name, "` goes with `", other.key, "`"));
    }
  }
}

void read_mapping(const Json& values, const std::string& folder, PipelineInput& input) {
  input.description = values.value("description", "");
  input.download = values.at("access") == "download";
  const InputKind* kind = chosen(values);
  check_options(values, kind);
  if (kind) kind->read(values, folder, input);
}

}  // namespace

Fields location_fields() {
  return {
      text("sha256",
           "With `url`: the checksum of the file. It stands for the content then, and the server is asked "
           "only where the file "
           "is not there yet"),
      text("endpoint", "With `url`, object stores: another server than the provider's, `http://HOST:PORT`"),
      text("region", "With `url`, object stores: the bucket's region"),
      boolean("anonymous", "With `url`, object stores: requests are not signed"),
      map("credentials", text("", "env:NAME, or file:PATH of a file with mode 0600"),
          "With `url`, object stores: references to `access_key`, `secret_key` and maybe `session_token` "
          "(s3), "
          "`service_account` (gs), `account_key` or `sas_token` (abfs). Otherwise the provider's own "
          "settings count"),
  };
}

const std::vector<InputKind>& input_kinds() {
  static const std::vector<InputKind> kinds = {
      {"url",
       text("url",
            "Instead of `path`: `s3://BUCKET/KEY`, `gs://BUCKET/KEY`, "
            "`abfs://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH` (a "
            "file, all below a folder, or what a glob with `*`, `[a-z]` and `**` matches) or `https://…` (a "
            "file, with its `sha256`). It is fetched into the "
            "store once"),
       location_fields(), read_remote, is_url_text},
      {"query",
       text("query",
            "Instead of `path`: the SQL of a SELECT; its rows are fetched into the store once for each "
            "`version`, as JSON lines. "
            "Without ORDER BY their order is the database's"),
       {text("connection",
             "With `query`: reference to an ODBC connection string, env:NAME or file:PATH of a file with "
             "mode 0600"),
        text("version",
             "With `query`: what stands for the state of the tables; another text runs the query again")},
       read_remote,
       no_text},
      {"dataset",
       text("dataset",
            "A registered dataset (docs/datasets.md): `NAME@latest`, `NAME:3` or `NAME`; as a text alone the "
            "first two, and "
            "`dataset:NAME`"),
       {},
       read_dataset,
       names_dataset},
      {"path", path_field(), {}, read_path, any_text},
  };
  return kinds;
}

Fields pipeline_input_fields() {
  Fields fields;
  for (const InputKind& kind : input_kinds()) {
    fields.push_back(kind.field);
    for (const Field& option : kind.options) {
      const auto same = [&](const Field& f) { return f.name == option.name; };
      if (std::none_of(fields.begin(), fields.end(), same)) fields.push_back(option);
    }
  }
  fields.push_back(with_default(
      choice("access", {"direct", "download"},
             "How steps read it: where it lies, or from a copy on the node's own disk, made once per node"),
      "direct"));
  fields.push_back(text("description", "What it is, for people"));
  return fields;
}

bool is_list_text(const std::string& text) {
  return text.starts_with('[') && text.ends_with(']');
}

void read_input_text(const std::string& text, const std::string& folder, PipelineInput& input) {
  input.path.clear();
  input.reference.clear();
  input.remote.reset();
  input.paths.clear();
  input.list = is_list_text(text);
  if (input.list) {
    const Node list = parse_yaml(text, {});
    return read_path({{"path", validate_value(list, path_field(), {}, "")}}, folder, input);
  }
  for (const InputKind& kind : input_kinds()) {
    if (!kind.is_text(text)) continue;
    kind.read({{kind.key, text}}, folder, input);
    return;
  }
  throw Error(ExitStatus::configuration, str("no input can be ", in_quotes(text)));
}

void read_input(const Node& node, const std::string& file, const std::string& folder, const std::string& what,
                PipelineInput& input) {
  if (node.kind == Node::Kind::null) return;
  try {
    if (node.kind == Node::Kind::mapping) {
      const Node* path = node.find("path");
      input.list = path && path->kind == Node::Kind::sequence;
      read_mapping(validate(node, pipeline_input_fields(), file, what), folder, input);
    } else if (node.kind == Node::Kind::sequence) {
      input.list = true;
      read_path({{"path", validate_value(node, path_field(), file, what)}}, folder, input);
    } else {
      read_input_text(validate_value(node, text("path", ""), file, what), folder, input);
    }
  } catch (const ConfigError&) {
    throw;
  } catch (const Error& e) {
    const Node* path = node.kind == Node::Kind::mapping ? node.find("path") : nullptr;
    throw ConfigError(mark_of(path ? *path : node, file), str(what, ": ", describe(e)));
  }
}

}  // namespace rankflow
