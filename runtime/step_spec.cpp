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
