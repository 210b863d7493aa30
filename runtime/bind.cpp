#include "runtime/bind.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "runtime/binding.h"
#include "runtime/device.h"

namespace rankflow {
namespace {

// Record separators stand in no path that a person writes.
constexpr const char* kMark = "\x1e";

std::string put_path(std::string text, const std::function<std::string(std::size_t)>& path_of) {
  for (auto begin = text.find(kMark); begin != std::string::npos; begin = text.find(kMark)) {
    const auto end = text.find(kMark, begin + 1);
    text.replace(begin, end - begin + 1, path_of(std::stoul(text.substr(begin + 1, end - begin - 1))));
  }
  return text;
}

void put_all_paths(Json& value, const std::function<std::string(std::size_t)>& path_of) {
  if (value.is_string()) {
    value = put_path(value.get<std::string>(), path_of);
  } else if (value.is_structured()) {
    for (auto& element : value) put_all_paths(element, path_of);
  }
}

class Binder {
 public:
  Binder(Planner& planner, const PipelineStep& step, const StoreLayout& store,
         const std::map<std::string, std::string>& staging)
      : planner_(planner), step_(step), store_(store), staging_(staging) {}

  std::vector<Download> downloads() { return std::move(downloads_); }

  std::string path(const std::string& text) {
    return replace_bindings(text, [&](const Binding& b) { return value(b); });
  }

  /// Where an input of a step lies, if that is no path, and it is to be read from there.
  std::optional<Location> location(const std::string& text) const {
    const auto pieces = parse_bindings(text);
    if (pieces.empty() || pieces[0].kind != Binding::Kind::input) return std::nullopt;
    const PipelineInput& input = *planner_.pipeline().find_input(pieces[0].name);
    if (step_.download || input.download) return std::nullopt;
    std::optional<Location> found = input.remote;
    if (found && !is_object_store(*found)) return std::nullopt;  // its size is known once it was fetched
    if (found && pieces.size() == 2) found->url += pieces[1].text;
    return found;
  }

  /// Whether an input of a step is a file or folder of the pipeline's, read where it lies.
  bool read_in_place(const std::string& text) const {
    const auto pieces = parse_bindings(text);
    if (pieces.empty() || pieces[0].kind != Binding::Kind::input) return false;
    const PipelineInput& input = *planner_.pipeline().find_input(pieces[0].name);
    return !input.remote && !step_.download && !input.download;
  }

  std::vector<RemoteInput> take_remote() { return std::move(remote_); }

  // Every text in a parameter tree; what is no text stays.
  Json all(const Json& value) {
    if (value.is_string()) return path(value.get<std::string>());
    Json out = value;
    if (value.is_array() || value.is_object()) {
      for (auto& element : out) element = all(element);
    }
    return out;
  }

 private:
  std::string value(const Binding& b) {
    const Pipeline& pipeline = planner_.pipeline();
    switch (b.kind) {
      case Binding::Kind::input: {
        const PipelineInput& input = *pipeline.find_input(b.name);
        const bool download = step_.download || input.download;
        if (input.remote) {
          std::string path = fetched(input);
          if (!download) return path;
          return downloaded({std::move(path), planner_.remote_digest(input), Download::Kind::fetched, ""});
        }
        if (!download) return input.path;
        return downloaded({input.path, planner_.content_at(input.path), Download::Kind::path, ""});
      }
      case Binding::Kind::step_output: {
        const std::string& digest = planner_.steps()[pipeline.index_of(b.step)].outputs.at(b.name);
        const std::string path = store_.artifact_data(digest);
        return step_.download ? downloaded({path, digest, Download::Kind::artifact, store_.root}) : path;
      }
      case Binding::Kind::own_output:
        return staging_.at(b.name) + "/data";
      case Binding::Kind::literal:
      case Binding::Kind::parameter:
        break;
    }
    throw Error(ExitStatus::internal, str("a binding to ", b.name, " was left unresolved"));
  }

  std::string fetched(const PipelineInput& input) {
    const std::string& digest = planner_.remote_digest(input);
    const std::string name = name_of(*input.remote);
    const auto same = [&](const RemoteInput& r) {
      return r.digest == digest && name_of(location_from_json(r.location)) == name;
    };
    if (std::none_of(remote_.begin(), remote_.end(), same))
      remote_.push_back({to_json(*input.remote), digest});
    return str(store_.staged(digest), "/", name, "/data/", name);
  }

  std::string downloaded(Download download) {
    const auto same = [&](const Download& d) { return d.source == download.source; };
    auto known = std::find_if(downloads_.begin(), downloads_.end(), same);
    if (known == downloads_.end()) known = downloads_.insert(known, std::move(download));
    return str(kMark, known - downloads_.begin(), kMark);
  }

  Planner& planner_;
  const PipelineStep& step_;
  std::vector<Download> downloads_;
  std::vector<RemoteInput> remote_;  // that were met so far
  const StoreLayout& store_;
  const std::map<std::string, std::string>& staging_;
};

}  // namespace

void put_paths(WorkOrder& order, const std::function<std::string(std::size_t)>& path_of) {
  if (order.downloads.empty()) return;
  put_all_paths(order.parameters, path_of);
  for (auto& [name, path] : order.inputs) path = put_path(path, path_of);
}

WorkOrder make_work_order(Planner& planner, std::size_t index, const StoreLayout& store, const RunLayout& run,
                          const std::map<std::string, std::string>& staging) {
  const PipelineStep& step = planner.pipeline().steps[index];
  Binder binder(planner, step, store, staging);
  WorkOrder order;
  order.step = step.name;
  order.type = step.type;
  order.parameters = binder.all(step.parameters);
  for (const auto& [name, text] : step.inputs) {
    if (const auto location = step.spec->reads_remote ? binder.location(text) : std::nullopt) {
      order.parameters["remote_inputs"][name] = to_json(*location);
      order.inputs[name] = shown(*location);
    } else {
      order.inputs[name] = binder.path(text);
      if (!binder.read_in_place(text)) continue;
      planner.check_unchanged(order.inputs[name]);
      // What a program does with its own inputs nobody knows: it may well keep something beside them.
      if (!step.spec->runs_program) order.read_in_place.push_back(order.inputs[name]);
    }
  }
  order.remote = binder.take_remote();
  order.downloads = binder.downloads();
  order.download_rules = planner.pipeline().downloads;
  order.outputs = staging;
  order.fingerprint = planner.steps()[index].fingerprint;
  order.family = planner.steps()[index].family;
  order.afresh = planner.steps()[index].afresh;
  order.checkpoints = store.checkpoints(planner.steps()[index].work);
  order.log_folder = run.step_logs(step.name);
  order.folder = planner.pipeline().folder;
  order.device = device_of(step, planner.options().device);
  return order;
}

}  // namespace rankflow
