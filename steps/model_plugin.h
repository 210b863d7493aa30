// What a plug-in sees of rankflow: a library of your own with models that pipelines use by name.
//
//   extern "C" const char* rankflow_plugin_interface() { return rankflow::plugin_interface; }
//   extern "C" void rankflow_plugin_models(rankflow::PluginModels& models) {
//     models.add("highway", [](const rankflow::Json& options, const rankflow::ModelInput& input) {
//       return std::make_shared<Highway>(options, input);
//     });
//   }
//
// The first function tells what the library was compiled against. configs/plugin/ has a whole example.
#pragma once

#include <torch/version.h>

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "steps/model.h"

namespace rankflow {

/// Compared as text when a library is loaded: classes change between versions.
inline constexpr const char* plugin_interface = "rankflow " RANKFLOW_VERSION ", LibTorch " TORCH_VERSION;

/// The models of one library. Nothing here needs more than this header: a plug-in links LibTorch alone.
class PluginModels {
 public:
  /// Makes a model from the key `options:` for data that looks like `input`. Throws any std::exception where
  /// options or data don't fit: its text is shown. Parameters are float32; their initial values come from
  /// torch's generator.
  using Make = std::function<std::shared_ptr<Model>(const Json& options, const ModelInput& input)>;

  void add(std::string name, Make make) { models_[std::move(name)] = std::move(make); }
  const std::map<std::string, Make>& all() const { return models_; }

 private:
  std::map<std::string, Make> models_;
};

}  // namespace rankflow
