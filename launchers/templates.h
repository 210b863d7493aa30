// Pipelines to start from, as `rankflow new` writes them.
#pragma once

#include <string>
#include <vector>

namespace rankflow {

struct Template {
  std::string name;
  std::string summary;
  std::string text;  // YAML
};

const std::vector<Template>& templates();

}  // namespace rankflow
