#include "runtime/pipeline.h"

#include <algorithm>

#include "base/text.h"

namespace rankflow {

namespace {

/// The index only counts where it is of this very vector: pipelines made by hand have none.
template <typename T>
const T* look_up(const std::vector<T>& all, const std::unordered_map<std::string, std::size_t>& index,
                 const std::string& name) {
  if (index.size() == all.size()) {
    const auto found = index.find(name);
    return found == index.end() ? nullptr : &all[found->second];
  }
  const auto found = std::find_if(all.begin(), all.end(), [&](const T& t) { return t.name == name; });
  return found == all.end() ? nullptr : &*found;
}

Json place_of(const Mark& mark) {
  return {mark.line, mark.column};
}

Mark mark_from(const Json& place, const std::string& file) {
  return {file, place.at(0), place.at(1)};
}

Json step_json(const PipelineStep& step) {
  Json locations = Json::object();
  for (const auto& [output, location] : step.publish_locations) locations[output] = to_json(location);
  return {{"name", step.name},
          {"type", step.type},
          {"description", step.description},
          {"parameters", step.parameters},
          {"inputs", step.inputs},
          {"outputs", step.outputs},
          {"needs", step.needs},
          {"ranks", step.ranks},
          {"device", step.device},
          {"reuse", step.reuse},
          {"download", step.download},
          {"publish_to", step.publish_to},
          {"publish_paths", step.publish_paths},
          {"publish_locations", std::move(locations)},
          {"place", place_of(step.mark)}};
}

PipelineStep step_from_json(const Json& json, const std::string& file, const StepSpecs& specs,
                            std::size_t steps) {
  PipelineStep step;
  step.name = json.at("name");
  step.type = json.at("type");
  step.spec = specs.find(step.type);
  if (!step.spec) {
    throw Error(ExitStatus::bad_data,
                str("step ", in_quotes(step.name), " has the type ", in_quotes(step.type),
                    ", which this rankflow does not know"),
                "the version that made the run");
  }
  step.description = json.at("description");
  step.parameters = json.at("parameters");
  step.inputs = json.at("inputs").get<std::map<std::string, std::string>>();
  step.outputs = json.at("outputs").get<std::vector<std::string>>();
  step.needs = json.at("needs").get<std::vector<std::size_t>>();
  for (const auto n : step.needs) {
    if (n >= steps)
      throw Error(ExitStatus::bad_data,
                  str("step ", in_quotes(step.name), " needs a step that is not there"));
  }
  step.ranks = json.at("ranks");
  step.device = json.value("device", "auto");
  step.reuse = json.at("reuse");
  step.download = json.value("download", false);
  step.publish_to = json.value("publish_to", std::map<std::string, std::string>{});
  step.publish_paths = json.value("publish_paths", std::map<std::string, std::string>{});
  const Json locations = json.value("publish_locations", Json::object());
  for (const auto& [output, location] : locations.items())
    step.publish_locations[output] = location_from_json(location);
  step.mark = mark_from(json.at("place"), file);
  return step;
}

}  // namespace

const PipelineStep* Pipeline::find(const std::string& step) const {
  return look_up(steps, step_index_, step);
}

const PipelineInput* Pipeline::find_input(const std::string& input) const {
  return look_up(inputs, input_index_, input);
}

std::size_t Pipeline::index_of(const std::string& step) const {
  if (const auto* found = find(step)) return static_cast<std::size_t>(found - steps.data());
  std::vector<std::string> names;
  for (const auto& s : steps) names.push_back(s.name);
  throw Error(ExitStatus::usage, str("no step ", in_quotes(step), " in the pipeline ", in_quotes(name),
                                     did_you_mean(step, names)));
}

void Pipeline::index_names() {
  step_index_.clear();
  input_index_.clear();
  for (std::size_t i = 0; i < steps.size(); ++i) step_index_.emplace(steps[i].name, i);
  for (std::size_t i = 0; i < inputs.size(); ++i) input_index_.emplace(inputs[i].name, i);
}

Json to_json(const Pipeline& pipeline) {
  Json inputs = Json::array(), steps = Json::array();
  for (const auto& input : pipeline.inputs) {
    inputs.push_back({{"name", input.name},
                      {"path", input.path},
                      {"description", input.description},
                      {"reference", input.reference},
                      {"dataset", input.dataset},
                      {"content", input.content},
                      {"download", input.download},
                      {"place", place_of(input.mark)}});
    if (input.remote) inputs.back()["remote"] = to_json(*input.remote);
    if (input.selection) inputs.back()["selection"] = to_json(*input.selection);
  }
  for (const auto& step : pipeline.steps) steps.push_back(step_json(step));
  return {{"format", 1},
          {"name", pipeline.name},
          {"description", pipeline.description},
          {"file", pipeline.file},
          {"folder", pipeline.folder},
          {"inputs", std::move(inputs)},
          {"parameters", pipeline.parameters},
          {"steps", std::move(steps)}};
}

Pipeline pipeline_from_json(const Json& json, const StepSpecs& specs) {
  try {
    if (json.at("format") != 1) {
      throw Error(ExitStatus::bad_data,
                  str("a pipeline in format ", json.at("format").dump(), "; this rankflow reads 1"),
                  "the version that made the run");
    }
    Pipeline pipeline;
    pipeline.name = json.at("name");
    pipeline.description = json.at("description");
    pipeline.file = json.at("file");
    pipeline.folder = json.at("folder");
    pipeline.parameters = json.at("parameters");
    for (const auto& input : json.at("inputs")) {
      pipeline.inputs.push_back({input.at("name"), input.at("path"), input.at("description"),
                                 mark_from(input.at("place"), pipeline.file), input.value("reference", ""),
                                 input.value("dataset", ""), input.value("content", ""),
                                 input.value("download", false)});
      if (input.contains("remote")) pipeline.inputs.back().remote = location_from_json(input.at("remote"));
      if (input.contains("selection"))
        pipeline.inputs.back().selection = selection_from_json(input.at("selection"));
    }
    const Json& steps = json.at("steps");
    for (const auto& step : steps)
      pipeline.steps.push_back(step_from_json(step, pipeline.file, specs, steps.size()));
    pipeline.index_names();
    return pipeline;
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str("a damaged record of a pipeline: ", e.what()));
  }
}

}  // namespace rankflow
