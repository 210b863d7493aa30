#include "runtime/input_kind.h"

#include <algorithm>

#include "base/text.h"
#include "io/file.h"
#include "runtime/input_resolution.h"

namespace rankflow {
namespace {

void read_path(const Json& given, const std::string& folder, PipelineInput& input) {
  const std::string path = given.at("path");
  if (path.empty()) throw Error(ExitStatus::configuration, "the path is empty");
  input.path = absolute_path(path[0] == '/' ? path : str(folder, "/", path));
  note_datastore(path, input);
}

void read_dataset(const Json& given, const std::string& folder, PipelineInput& input) {
  note_dataset(given.at("dataset"), folder, input);
}

bool any_text(const std::string&) {
  return true;
}

bool given(const Json& values, const std::string& key) {
  const auto found = values.find(key);
  return found != values.end() && !found->is_null();
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

const std::vector<InputKind>& input_kinds() {
  static const std::vector<InputKind> kinds = {
      {"dataset",
       text("dataset",
            "A registered dataset (docs/datasets.md): `NAME@latest`, `NAME:3` or `NAME`; as a text alone the "
            "first two, and "
            "`dataset:NAME`"),
       {},
       read_dataset,
       names_dataset},
      {"path",
       text("path",
            "A file or folder, relative to the pipeline file, or `DATASTORE:path`; without it `--input "
            "NAME=PATH` must give one"),
       {},
       read_path,
       any_text},
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

void read_input_text(const std::string& text, const std::string& folder, PipelineInput& input) {
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
      read_mapping(validate(node, pipeline_input_fields(), file, what), folder, input);
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
