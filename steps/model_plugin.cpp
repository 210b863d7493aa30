#include "steps/model_plugin.h"

#include <vector>

#include "base/error.h"
#include "base/text.h"
#include "steps/plugin_library.h"

namespace rankflow {
namespace {

PluginModels load(const std::string& path) {
  const PluginLibrary library(path, "rankflow_plugin_interface", plugin_interface);
  PluginModels models;
  library.function<void(PluginModels&)>("rankflow_plugin_models")(models);
  return models;
}

}  // namespace

std::shared_ptr<Model> make_plugin_model(const Json& spec, const std::string& brought,
                                         const ModelInput& input) {
  const std::string name = spec.at("name");
  const PluginModels models = load(brought);
  const auto found = models.all().find(name);
  if (found == models.all().end()) {
    std::vector<std::string> names;
    for (const auto& [known, make] : models.all()) names.push_back(known);
    throw Error(ExitStatus::configuration,
                str("the plug-in ", brought, " has no model ", in_quotes(name), did_you_mean(name, names)),
                str("it has ", join(names, ", ")));
  }
  try {
    return found->second(spec.at("options"), input);
  } catch (const std::exception& e) {
    throw Error(ExitStatus::configuration, str("the plug-in's model ", name, " can't be made: ", e.what()));
  }
}

}  // namespace rankflow
