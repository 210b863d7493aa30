// rankflow dataset register, list, show: names and versions of data.
#include <pwd.h>
#include <unistd.h>

#include <cstdio>

#include "base/clock.h"
#include "base/error.h"
#include "base/path_pattern.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/dataset_registry.h"
#include "io/dataset_source.h"
#include "launchers/commands.h"
#include "launchers/dataset_view.h"
#include "launchers/remote_dataset.h"
#include "launchers/run_view.h"
#include "launchers/text_table.h"
#include "runtime/input_kind.h"
#include "runtime/input_resolution.h"
#include "runtime/run_record.h"

namespace rankflow {
namespace {

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return code(ExitStatus::ok);
}

std::string user_name() {
  const passwd* entry = getpwuid(geteuid());
  return entry ? entry->pw_name : str("uid ", geteuid());
}

std::map<std::string, std::string> tags_of(const CommandLine& line) {
  std::map<std::string, std::string> tags;
  for (const auto& tag : line.list("tag")) {
    const auto equals = tag.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ExitStatus::usage, str("--tag ", tag, ": a name, \"=\" and a value are expected"),
                  "--tag KEY=VALUE");
    }
    tags[tag.substr(0, equals)] = tag.substr(equals + 1);
  }
  return tags;
}

/// The folder of what a glob or a list names, as an input of a pipeline would be read (runtime/input_kind.h); "" for other texts.
std::string listed_paths(const std::string& text, const std::string& dataset, const StoreLayout& store) {
  if (!(is_glob(text) || is_list_text(text)) || is_url(text) || exists(absolute_path(text))) return "";
  Pipeline inputs;
  PipelineInput& input = inputs.inputs.emplace_back();
  input.name = dataset;
  input.mark = {text};
  read_input_text(text, absolute_path("."), input);
  resolve_inputs(inputs, store);
  if (input.selection) make_selection(*input.selection, store);
  return input.path;
}

/// What the arguments after the dataset's name mean: RUN STEP.OUTPUT, an artifact's digest or folder, or a path, a glob, a list.
DatasetCandidate candidate_of(const CommandLine& line, Store& store, FileMemory& memory) {
  const std::string& what = line.arguments.at(1);
  const bool copy = line.flag("copy");
  if (line.has("sha256") && !is_url(what))
    throw Error(ExitStatus::usage, "--sha256 goes with the URL of a file", "leave it out");
  std::string digest, below;
  if (line.arguments.size() == 3) {
    digest = output_digest(load_run(store.layout(), what), line.arguments[2]);
  } else if (is_digest(what)) {
    digest = what;
  } else if (const std::string listed = listed_paths(what, line.arguments.at(0), store.layout());
             !listed.empty()) {
    return copy ? dataset_copied_from(listed, store, memory) : dataset_at(listed, memory);
  } else if (const RegisteredPlace given = registered_place(what, line.text("sha256")); given.remote) {
    return copy ? dataset_copied_from(*given.remote, store, memory) : dataset_at(*given.remote);
  } else {
    const std::string& path = given.path;
    const PlaceInStore place = place_in_store(path, store.layout());
    if (place.digest.empty())
      return copy ? dataset_copied_from(path, store, memory) : dataset_at(path, memory);
    digest = place.digest;
    below = place.below;
  }
  if (copy) {
    throw Error(ExitStatus::usage, "--copy: what is registered lies in the store already",
                "the same command without --copy");
  }
  return dataset_of_artifact(digest, below, store, memory);
}

}  // namespace

int dataset_register_command(const CommandLine& line) {
  const std::string& name = line.arguments.at(0);
  check_dataset_name(name);
  FileMemory memory(FileMemory::default_path());
  Store store(store_of(line), memory);
  store.prepare_for_writing();
  DatasetCandidate candidate = candidate_of(line, store, memory);
  DatasetVersion& version = candidate.version;
  version.dataset = name;
  version.registered = utc_now();
  version.user = user_name();
  version.description = line.text("description");
  version.tags = tags_of(line);
  const DatasetRegistry registry(store.layout());
  // A copy is asked for because files outside may change.
  const auto holds = [&](const DatasetVersion& known) {
    if (known.remote) return !line.flag("copy") && is_still_there(known);
    return (known.in_store() || !line.flag("copy")) && what_changed(known, store.layout(), memory).empty();
  };
  const auto added = registry.add(version, candidate.files, holds);
  memory.save();
  if (line.flag("json")) {
    Json json = to_json(added.version);
    json["new"] = added.is_new;
    json["place"] = added.version.place(store.layout());
    return print(json.dump(2) + "\n");
  }
  const auto& v = added.version;
  return print(str(v.title(), added.is_new ? "" : " (unchanged: no new version)", ": ",
                   counted(v.files, "file"), ", ", human_bytes(static_cast<double>(v.bytes)),
                   v.rows < 0 ? "" : str(", ", counted(static_cast<std::size_t>(v.rows), "row")), ", ",
                   v.in_store() ? "in the store" : str("at ", v.place(store.layout())), "\n"));
}

int dataset_list_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  const DatasetRegistry registry(layout);
  if (!line.arguments.empty()) {
    const std::string& name = line.arguments[0];
    registry.get({name, 0});  // says what there is where this is not
    return print(dataset_versions_text(registry, layout, name, line));
  }
  return print(datasets_text(registry, layout, line));
}

int dataset_show_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  const DatasetRegistry registry(layout);
  const DatasetVersion version = registry.get(parse_dataset_reference(line.arguments.at(0)));
  return print(dataset_text(registry, version, layout, line));
}

int dataset_diff_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  const DatasetRegistry registry(layout);
  const DatasetVersion first = registry.get(parse_dataset_reference(line.arguments[0]));
  if (line.arguments.size() == 2) {
    const DatasetVersion second = registry.get(parse_dataset_reference(line.arguments[1]));
    return print(dataset_diff_text(registry, first, second, layout, line));
  }
  if (first.version == 1) {
    throw Error(ExitStatus::usage,
                str(first.title(), " is the first version of its dataset: there is none before it"),
                "rankflow dataset diff NAME:1 OTHER");
  }
  const DatasetVersion before = registry.get({first.dataset, first.version - 1});
  return print(dataset_diff_text(registry, before, first, layout, line));
}

}  // namespace rankflow
