#include "steps/plugin_library.h"

#include <dlfcn.h>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {

PluginLibrary::PluginLibrary(const std::string& path, const char* interface, const std::string& expected)
    : path_(path), library_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) {
  if (!library_) {
    throw Error(ExitStatus::configuration, str("cannot load the plug-in ", path, ": ", dlerror()),
                "build it on this machine against this rankflow");
  }
  const std::string built_for = function<const char*()>(interface)();
  if (built_for != expected) {
    throw Error(ExitStatus::configuration,
                str("the plug-in ", path, " was built for ", built_for, "; this is ", expected),
                "build it again");
  }
}

void* PluginLibrary::symbol(const char* name) const {
  void* found = dlsym(library_, name);
  if (!found) {
    throw Error(ExitStatus::configuration,
                str(path_, " is no plug-in of rankflow: it has no function ", name),
                "configs/plugin shows what a plug-in needs");
  }
  return found;
}

}  // namespace rankflow
