// A library with code of the user's, loaded into the rank.
#pragma once

#include <string>

namespace rankflow {

class PluginLibrary {
 public:
  /// `interface`: the function of the library that tells what it was compiled against, and what that has to be. It stays loaded: what
  /// it made has code in it. Throws Error (configuration) naming the library.
  PluginLibrary(const std::string& path, const char* interface, const std::string& expected);

  /// A function of the library. Throws Error (configuration) where there is none of this name.
  template <typename Function>
  Function* function(const char* name) const {
    return reinterpret_cast<Function*>(symbol(name));
  }

 private:
  void* symbol(const char* name) const;

  std::string path_;
  void* library_;
};

}  // namespace rankflow
