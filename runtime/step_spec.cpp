#include "runtime/step_spec.h"

#include <set>

#include "base/text.h"

namespace rankflow {

StepSpecs::StepSpecs(std::vector<StepSpec> specs) : specs_(std::move(specs)) {
  std::set<std::string> seen;
  for (const auto& spec : specs_) {
    if (!seen.insert(spec.type).second)
      throw Error(ExitStatus::internal, str("step type ", spec.type, " is there twice"));
    std::set<std::string> keys;
    for (const auto& field : spec.fields) {
      if (!keys.insert(field.name).second)
        throw Error(ExitStatus::internal,
                    str("step type ", spec.type, " has the key ", field.name, " twice"));
    }
  }
}

std::string wrong_kind(const InputSpec& input, const StepSpec& source, const Json& parameters,
                       const std::string& output) {
  if (input.kind.empty() || !source.outputs) return "";
  for (const OutputSpec& made : source.outputs(parameters)) {
    if (made.name == output && !made.kind.empty() && made.kind != input.kind)
      return str("is a ", made.kind, "; it has to be a ", input.kind);
  }
  return "";
}

const StepSpec* StepSpecs::find(const std::string& type) const {
  for (const auto& spec : specs_) {
    if (spec.type == type) return &spec;
  }
  return nullptr;
}

std::vector<std::string> StepSpecs::names() const {
  std::vector<std::string> names;
  for (const auto& spec : specs_) names.push_back(spec.type);
  return names;
}

}  // namespace rankflow
