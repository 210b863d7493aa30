#include "runtime/fetch_turns.h"

#include <algorithm>

#include "runtime/binding.h"

namespace rankflow {
namespace {

/// Locations that the step's texts lead to. An input that the step reads where it lies (make_work_order) is not fetched.
std::vector<std::string> locations_of(const Pipeline& pipeline, const PipelineStep& step) {
  std::set<std::string> found;
  const auto look_at = [&](const std::string& text, bool read_in_place) {
    for (const Binding& b : parse_bindings(text)) {
      if (b.kind != Binding::Kind::input) continue;
      const PipelineInput* input = pipeline.find_input(b.name);
      if (!input || !input->remote) continue;
      if (!read_in_place || step.download || input->download || !is_object_store(*input->remote))
        found.insert(to_json(*input->remote).dump());
    }
  };
  for (const auto& [name, text] : step.inputs) look_at(text, step.spec && step.spec->reads_remote);
  look_at(step.parameters.dump(), false);
  return {found.begin(), found.end()};
}

bool has_remote_inputs(const Pipeline& pipeline) {
  return std::any_of(pipeline.inputs.begin(), pipeline.inputs.end(),
                     [](const PipelineInput& input) { return input.remote.has_value(); });
}

}  // namespace

FetchTurns::FetchTurns(const Pipeline& pipeline) : needs_(pipeline.steps.size()) {
  if (!has_remote_inputs(pipeline)) return;
  for (std::size_t i = 0; i < needs_.size(); ++i) needs_[i] = locations_of(pipeline, pipeline.steps[i]);
}

bool FetchTurns::must_wait(std::size_t step) const {
  const auto& needs = needs_.at(step);
  return std::any_of(needs.begin(), needs.end(),
                     [&](const std::string& location) { return fetching_.contains(location); });
}

void FetchTurns::started(std::size_t step, int order) {
  for (const std::string& location : needs_.at(step)) {
    if (!there_.contains(location)) fetching_.emplace(location, order);
  }
}

void FetchTurns::fetched(int order) {
  for (const auto& [location, by] : fetching_) {
    if (by == order) there_.insert(location);
  }
  ended(order);
}

void FetchTurns::ended(int order) {
  std::erase_if(fetching_, [&](const auto& entry) { return entry.second == order; });
}

}  // namespace rankflow
