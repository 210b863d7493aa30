#include "steps/model_plugin.h"

#include <dlfcn.h>

#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

/// A function of the library. Throws Error (configuration) where there is none of this name.
template <typename Function>
Function* symbol(void* library, const char* name, const std::string& path) {
  void* found = dlsym(library, name);
  if (!found) {
    throw Error(ExitStatus::configuration, str(path, " is no plug-in of rankflow: it has no function ", name),
                "configs/plugin shows what a plug-in needs");
  }
  return reinterpret_cast<Function*>(found);
}

PluginModels load(const std::string& path) {
  // Never unloaded: models, and what LibTorch keeps of them, have code in it.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) {
    throw Error(ExitStatus::configuration, str("cannot load the plug-in ", path, ": ", dlerror()),
                "build it on this machine against this rankflow");
  }
  const std::string built_for = symbol<const char*()>(library, "rankflow_plugin_interface", path)();
  if (built_for != plugin_interface) {
    throw Error(ExitStatus::configuration,
                str("the plug-in ", path, " was built for ", built_for, "; this is ", plugin_interface),
                "build it again");
  }
  PluginModels models;
  symbol<void(PluginModels&)>(library, "rankflow_plugin_models", path)(models);
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
