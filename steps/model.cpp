#include "steps/model.h"

#include "base/error.h"
#include "base/text.h"
#include "steps/model_code.h"

namespace rankflow {

#define RANKFLOW_MODEL(kind) \
  std::shared_ptr<Model> make_##kind##_model(const Json& spec, const ModelInput& input);
#include "steps/model_types.inc"
#undef RANKFLOW_MODEL

std::shared_ptr<Model> make_exported_model(const Json& spec, const std::string& brought,
                                           const ModelInput& input);
std::shared_ptr<Model> make_plugin_model(const Json& spec, const std::string& brought,
                                         const ModelInput& input);

std::shared_ptr<Model> make_model(const Json& spec, const ModelInput& input, const std::string& brought) {
  const std::string type = spec.at("type");
  if (is_brought(spec)) {
    if (brought.empty()) {
      throw Error(ExitStatus::configuration, str("model type ", type, " needs the input model"),
                  type == "exported" ? "inputs: {model: the folder that export_model.py wrote}"
                                     : "inputs: {model: the plug-in's library}");
    }
    return type == "exported" ? make_exported_model(spec, brought, input)
                              : make_plugin_model(spec, brought, input);
  }
  if (!brought.empty()) {
    throw Error(ExitStatus::configuration, str("model type ", type, " has no use for the input model"),
                "model type exported or plugin, or the input initial_weights to start from weights");
  }
#define RANKFLOW_MODEL(kind) \
  if (type == #kind) return make_##kind##_model(spec, input);
#include "steps/model_types.inc"
#undef RANKFLOW_MODEL
  throw Error(ExitStatus::configuration, str("model type ", type, " has no code in this program"));
}

void require_column(const char* model, const char* column, bool present, const ModelInput& input) {
  if (present) return;
  throw Error(ExitStatus::configuration,
              str("model ", model, " needs a column \"", column, "\"; the dataset has ", input.columns),
              input.image.empty() ? "model mlp or tabular" : "model cnn or mlp");
}

void refuse_column(const char* model, const char* column, bool present, const ModelInput& input) {
  if (!present) return;
  throw Error(
      ExitStatus::configuration,
      str("model ", model, " has no use for the column \"", column, "\"; the dataset has ", input.columns),
      !input.image.empty() ? "model cnn or mlp, or data without the column"
                           : "model tabular or linear, or data without the column");
}

}  // namespace rankflow
