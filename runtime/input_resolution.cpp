#include "runtime/input_resolution.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "base/path_pattern.h"
#include "base/text.h"
#include "io/dataset_registry.h"
#include "io/file.h"
#include "io/path_glob.h"
#include "runtime/run_record.h"
#include "runtime/site.h"

namespace rankflow {
namespace {

constexpr std::string_view dataset_mark = "dataset:";

ConfigError error(const PipelineInput& input, const std::string& message) {
  return {input.mark, str("input ", in_quotes(input.name), ": ", message)};
}

bool is_dataset(const PipelineInput& input) {
  return input.reference.starts_with(dataset_mark);
}

/// The version that an earlier attempt used for the same reference, otherwise what the reference says.
DatasetReference wanted(const PipelineInput& input, const Json& pinned) {
  DatasetReference reference = parse_dataset_reference(input.reference.substr(dataset_mark.size()));
  const auto before = pinned.find(input.name);
  if (before == pinned.end() || !before->is_object() || before->value("reference", "") != input.reference)
    return reference;
  const std::string version = before->value("dataset", "");
  return version.empty() ? reference : parse_dataset_reference(version);
}

void resolve_dataset(PipelineInput& input, const StoreLayout& store, const Json& pinned) {
  const DatasetVersion version = DatasetRegistry(store).get(wanted(input, pinned));
  input.remote = version.remote;
  input.path = version.remote ? "" : version.place(store);
  input.dataset = version.title();
  input.content = version.content;
}

/// "scratch, bucket in /etc/rankflow/site.yaml"; where they would be declared when there are none.
std::string known_datastores(const std::string& name, const Site& site) {
  std::vector<std::string> names;
  for (const auto& datastore : site.datastores) names.push_back(datastore.name);
  if (names.empty()) return str("; a site file (", join(site.files, " or "), ") declares some");
  if (auto near = did_you_mean(name, names); !near.empty()) return near;
  return str("; there ", names.size() == 1 ? "is " : "are ", join(names, ", "));
}

/// Puts into `path` where it lies; where that is in an object store, the location is returned and the path empty.
std::optional<Location> resolve_datastore(std::string& path, std::string& reference, const Site& site) {
  const auto [name, below] = split_datastore_path(reference);
  const Datastore* datastore = site.find(name);
  const bool is_file = exists(path);
  if (datastore && is_file) {
    throw Error(ExitStatus::configuration,
                str(in_quotes(reference), " may be in the datastore ", name, ", or the file ", path),
                str("./", reference, " for the file; a file of another name for the datastore"));
  }
  if (!datastore) {
    if (is_file) {  // a file with a colon in its name
      reference.clear();
      return std::nullopt;
    }
    throw Error(ExitStatus::configuration,
                str("no datastore ", in_quotes(name), known_datastores(name, site)),
                str("./", reference, " if a file is meant"));
  }
  if (!datastore->is_folder()) {
    path.clear();
    return location_in(*datastore, below);
  }
  path = path_in(*datastore, below);
  return std::nullopt;
}

/// The path of the input, which may be one in a datastore, becomes what that is.
void resolve_datastore(PipelineInput& input, const Site& site) {
  if (auto remote = resolve_datastore(input.path, input.reference, site)) input.remote = std::move(remote);
}

/// "1", …, "3"; "01", …, "12": sorted as texts they keep their order.
std::string numbered(std::size_t number, std::size_t all) {
  const std::string text = std::to_string(number);
  return std::string(std::to_string(all).size() - text.size(), '0') + text;
}

/// What a glob matches, called by the paths below its part without wildcards, after `before`.
void add_matches(const std::string& glob, const std::string& before, Selection& selection) {
  const std::string folder = fixed_folder(glob);
  const std::size_t below = folder == "/" ? 1 : folder.size() + 1;
  const auto found = paths_matching(glob);
  if (found.empty()) {
    throw Error(ExitStatus::configuration,
                exists(folder) ? str("nothing in the folder ", folder, " matches ", glob.substr(below))
                               : str("nothing matches ", glob, ": there is no folder ", folder));
  }
  for (const std::string& path : found) selection.members.push_back({before + path.substr(below), path});
}

/// An element of a list that is no glob.
void add_path(const std::string& path, const std::string& number, Selection& selection) {
  FileStamp stamp;
  if (!stamp_of(path, stamp)) throw Error(ExitStatus::io, str("there is no file or folder ", path));
  std::error_code problem;
  const bool folder = std::filesystem::is_directory(path, problem);
  selection.members.push_back({folder ? number : number + path.substr(path.rfind('/')), path});
}

void resolve_paths(PipelineInput& input, const StoreLayout& store, const Site& site) {
  Selection selection{input.list, {}};
  for (std::size_t i = 0; i < input.paths.size(); ++i) {
    InputPath& one = input.paths[i];
    auto remote = one.reference.empty() ? std::nullopt : resolve_datastore(one.path, one.reference, site);
    if (remote && input.list) {
      throw Error(ExitStatus::configuration,
                  str(one.reference, " is in an object store: a list names files in folders"),
                  "an input of its own");
    }
    if (remote) {
      input.remote = std::move(remote);
      input.reference = one.reference;
      input.paths.clear();
      return;
    }
    const bool glob = is_glob(one.path) && !exists(one.path);  // a file may be called "a[1].csv"
    const std::string number = numbered(i + 1, input.paths.size());
    if (!glob && !input.list) {
      input.path = one.path;
      input.reference = one.reference;
      input.paths.clear();
      return;
    }
    if (glob)
      add_matches(one.path, input.list ? number + "/" : "", selection);
    else
      add_path(one.path, number, selection);
  }
  for (const SelectionMember& member : selection.members) {
    if (!is_utf8(member.path))
      throw Error(ExitStatus::configuration, str(in_quotes(member.path), " has a name that is not UTF-8"),
                  "another name");
  }
  input.path = selection_folder(selection, store);
  input.selection = std::move(selection);
}

const Datastore& datastore_named(const std::string& name, const std::string& reference, const Site& site) {
  if (const Datastore* found = site.find(name)) return *found;
  throw Error(ExitStatus::configuration, str("no datastore ", in_quotes(name), known_datastores(name, site)),
              reference);
}

/// Throws where the location is no single place.
const Location& writable(const Location& location) {
  if (pattern_of(location).pattern.empty()) return location;
  throw Error(ExitStatus::configuration, str(location.url, " is a glob, and no place to write to"),
              "a path without wildcards");
}

/// Throws where the datastore's folder is missing: one that is made for a mistyped or unmounted place would hide that.
void check_root(const Datastore& datastore) {
  std::error_code problem;
  if (std::filesystem::is_directory(datastore.path, problem)) return;
  throw Error(ExitStatus::configuration,
              str("the datastore ", datastore.name, " has no folder ", datastore.path),
              "make it, or correct its path in the site file");
}

/// Where the outputs go that a step publishes to datastores.
void resolve_publishing(PipelineStep& step, const Site& site) {
  for (const auto& [output, reference] : step.publish_to) {
    if (std::find(step.outputs.begin(), step.outputs.end(), output) == step.outputs.end()) {
      throw Error(ExitStatus::configuration,
                  str("there is no output ", in_quotes(output), did_you_mean(output, step.outputs)),
                  join(step.outputs, ", "));
    }
    if (!looks_like_datastore_path(reference)) {
      throw Error(ExitStatus::configuration, str(in_quotes(reference), " is no path in a datastore"),
                  "DATASTORE:path");
    }
    const auto [name, below] = split_datastore_path(reference);
    const Datastore& datastore = datastore_named(name, reference, site);
    if (!datastore.is_folder()) {
      step.publish_locations[output] = writable(location_in(datastore, below));
      continue;
    }
    check_root(datastore);
    const std::string path = path_in(datastore, below);
    if (path == datastore.path) {
      throw Error(ExitStatus::configuration, str(in_quotes(reference), " is the datastore itself"),
                  str(name, ":path"));
    }
    step.publish_paths[output] = path;
  }
}

/// Whether the key `place` of a step says a path that may be one in a datastore.
bool may_be_in_datastore(const PipelineStep& step, const std::string& place) {
  const auto found = step.parameters.find(place);
  if (found == step.parameters.end() || !found->is_object()) return false;
  const auto path = found->find("path");
  return path != found->end() && path->is_string() && looks_like_datastore_path(*path);
}

/// `{path: "archive:x"}` becomes what it would have been written as without datastores: `{path: …}`, or `{url: …, …}`.
void resolve_place(Json& place, const std::string& folder, const Site& site) {
  PipelineInput written;
  written.reference = place.at("path");
  written.path = absolute_path(str(folder, "/", written.reference));
  resolve_datastore(written, site);
  if (!written.remote) {
    if (const Datastore* datastore = site.find(split_datastore_path(place.at("path")).datastore))
      check_root(*datastore);
    place["path"] = written.path;
    return;
  }
  writable(*written.remote);
  place = Json::object();
  const Json all = to_json(*written.remote);
  for (const auto& [key, value] : all.items()) {
    if (value != "" && value != false && !value.empty()) place[key] = value;
  }
}

void resolve_places(PipelineStep& step, const std::string& folder, const Site& site) {
  for (const std::string& place : step.spec->places) {
    if (!may_be_in_datastore(step, place)) continue;
    try {
      resolve_place(step.parameters[place], folder, site);
    } catch (const Error& e) {
      throw ConfigError(step.mark, str("step ", in_quotes(step.name), ": ", place, ": ", describe(e)));
    }
  }
}

/// Throws where what one output is published to lies in what another is: it is replaced as a whole.
void check_targets(const Pipeline& pipeline) {
  std::map<std::string, std::string> targets;  // with a '/' at the end → output
  for (const PipelineStep& step : pipeline.steps) {
    const auto add = [&](const std::string& output, const std::string& place) {
      const std::string name = str(step.name, ".", output), target = place + "/";
      // As none of those before lies in another, only the neighbours can.
      auto other = targets.lower_bound(target);
      const bool below = other != targets.end() && other->first.starts_with(target);
      if (!below && other != targets.begin()) --other;
      if (other != targets.end() && (below || target.starts_with(other->first))) {
        throw ConfigError(
            step.mark, str("step ", in_quotes(step.name), ": publish_to: ", name, " goes to ", place,
                           ", and ", other->second, " to ", other->first.substr(0, other->first.size() - 1),
                           ": each needs a place of its own"));
      }
      targets[target] = name;
    };
    for (const auto& [output, path] : step.publish_paths) add(output, path);
    for (const auto& [output, location] : step.publish_locations)
      add(output, str(location.endpoint, " ", location.url));
  }
}

bool needs_site(const Pipeline& pipeline) {
  const auto uses = [](const PipelineStep& s) {
    const auto in_datastore = [&](const std::string& place) { return may_be_in_datastore(s, place); };
    const auto& places = s.spec->places;
    return s.download || !s.publish_to.empty() || std::any_of(places.begin(), places.end(), in_datastore);
  };
  const auto is_elsewhere = [](const PipelineInput& i) {
    const auto refers = [](const InputPath& p) { return !p.reference.empty(); };
    return i.download || (!i.reference.empty() && !is_dataset(i)) ||
           std::any_of(i.paths.begin(), i.paths.end(), refers);
  };
  return std::any_of(pipeline.steps.begin(), pipeline.steps.end(), uses) ||
         std::any_of(pipeline.inputs.begin(), pipeline.inputs.end(), is_elsewhere);
}

}  // namespace

bool names_dataset(const std::string& text) {
  return text.starts_with(dataset_mark) || looks_like_dataset_reference(text);
}

void note_dataset(const std::string& text, const std::string& folder, PipelineInput& input) {
  const bool marked = text.starts_with(dataset_mark);
  const std::string name = marked ? text.substr(dataset_mark.size()) : text;
  const DatasetReference reference = parse_dataset_reference(name);
  if (const std::string path = absolute_path(str(folder, "/", text));
      looks_like_dataset_reference(text) && exists(path)) {
    throw Error(ExitStatus::configuration, str(in_quotes(text), " may be a dataset, or the file ", path),
                str(dataset_mark, text, ", or ./", text));
  }
  input.reference = str(dataset_mark, written(reference));
  input.path.clear();
}

std::string noted_datastore(const std::string& written) {
  return looks_like_datastore_path(written) ? written : "";
}

void resolve_inputs(Pipeline& pipeline, const StoreLayout& store, const Json& pinned) {
  const Site site = needs_site(pipeline) ? load_site() : Site{};
  pipeline.downloads = site.downloads;
  for (PipelineInput& input : pipeline.inputs) {
    if (input.reference.empty() && input.paths.empty()) continue;
    try {
      if (is_dataset(input)) {
        resolve_dataset(input, store, pinned);
      } else if (!input.paths.empty()) {
        resolve_paths(input, store, site);
      } else {
        resolve_datastore(input, site);
      }
    } catch (const ConfigError&) {
      throw;
    } catch (const Error& e) {
      if (e.status() != ExitStatus::configuration)
        throw Error(e.status(), str("input ", in_quotes(input.name), ": ", e.message()), e.hint());
      throw error(input, describe(e));
    }
  }
  for (PipelineStep& step : pipeline.steps) {
    resolve_places(step, pipeline.folder, site);
    try {
      resolve_publishing(step, site);
    } catch (const Error& e) {
      throw ConfigError(step.mark, str("step ", in_quotes(step.name), ": publish_to: ", describe(e)));
    }
  }
  check_targets(pipeline);
}

Json pinned_inputs(const StoreLayout& store, const std::string& run) {
  if (!is_plain_name(run)) return Json::object();
  const auto record = try_read_json(RunLayout{store.run(run)}.record());
  if (!record || !record->is_object() || !record->contains("inputs")) return Json::object();
  return record->at("inputs").is_object() ? record->at("inputs") : Json::object();
}

Json describe_inputs(const Pipeline& pipeline) {
  Json out = Json::object();
  for (const PipelineInput& input : pipeline.inputs) {
    Json& entry = out[input.name];
    entry["path"] = input.path;
    if (!input.reference.empty()) entry["reference"] = input.reference;
    if (!input.dataset.empty()) entry["dataset"] = input.dataset;
    if (!input.content.empty()) entry["content"] = input.content;
    if (input.remote) entry["url"] = shown(*input.remote);
    if (input.selection) entry["matched"] = input.selection->members.size();
    for (const InputPath& one : input.paths) entry["paths"].push_back(one.written());
    if (input.download) entry["access"] = "download";
  }
  return out;
}

}  // namespace rankflow
