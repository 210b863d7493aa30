#include "steps/exported_description.h"

#include <sys/utsname.h>
#include <torch/version.h>

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {
namespace {

constexpr const char* export_again = "run export_model.py again on a machine like this one";

std::vector<std::string> cpu_flags() {
  for (const std::string& line : split(read_file("/proc/cpuinfo"), '\n')) {
    if (line.starts_with("flags") || line.starts_with("Features"))
      return split(std::string_view(line).substr(line.find(':') + 1), ' ');
  }
  return {};
}

std::string machine() {
  utsname name{};
  uname(&name);
  return name.machine;
}

/// "2.13" of "2.13.0+cpu": what compiled code relies on stays the same within it.
std::string release_of(const std::string& version) {
  const auto parts = split(version, '.');
  return parts.size() < 2 ? version : str(parts[0], ".", parts[1]);
}

void require_platform(const Json& platform, const std::string& folder) {
  const std::string torch = platform.at("torch"), made_for = platform.at("machine");
  if (release_of(torch) != release_of(TORCH_VERSION)) {
    throw Error(ExitStatus::configuration,
                str("the exported model ", folder, " was compiled for PyTorch ", torch,
                    "; this program has LibTorch ", TORCH_VERSION),
                export_again);
  }
  if (made_for != machine()) {
    throw Error(
        ExitStatus::configuration,
        str("the exported model ", folder, " was compiled for ", made_for, "; this machine is ", machine()),
        export_again);
  }
  const auto missing = missing_instructions(platform.at("instructions"), cpu_flags());
  if (!missing.empty()) {
    throw Error(ExitStatus::configuration,
                str("the exported model ", folder, " was compiled for a CPU with ", join(missing, ", "),
                    ", which this machine's lacks"),
                "export it with --cpu x86-64-v3 (any CPU with AVX2), or on a machine like this one");
  }
}

std::vector<ExportedTensor> tensors_of(const Json& list) {
  std::vector<ExportedTensor> tensors;
  for (const Json& t : list) tensors.push_back({t.at("name"), t.at("shape"), t.at("strides"), t.at("dtype")});
  return tensors;
}

std::vector<std::int64_t> row_shape(const ModelInput& input, const std::string& column) {
  if (column == "images") return input.image;
  const auto n = column == "features" ? input.features : static_cast<std::int64_t>(input.vocabularies.size());
  return n > 0 ? std::vector<std::int64_t>{n} : std::vector<std::int64_t>{};
}

std::string text_of(const std::vector<std::int64_t>& shape) {
  return shape.empty() ? "none" : Json(shape).dump();
}

}  // namespace

ExportedDescription::ExportedDescription(const std::string& folder) {
  const std::string path = folder + "/exported.json";
  if (!exists(path)) {
    throw Error(ExitStatus::bad_data, str(folder, " is no exported model: it has no exported.json"),
                "make one with export_model.py");
  }
  const Json json = read_json(path);
  try {
    if (json.at("format") != 1) {
      throw Error(ExitStatus::bad_data,
                  str(path, " has format ", json.at("format").dump(), "; this program reads format 1"));
    }
    require_platform(json.at("platform"), folder);
    for (const Json& i : json.at("inputs")) inputs.push_back({i.at("column"), i.at("shape")});
    classes = json.at("target") == "classes";
    outputs = json.at("outputs");
    smallest_batch = json.at("smallest_batch");
    parameters = tensors_of(json.at("parameters"));
    buffers = tensors_of(json.at("buffers"));
    json.at("gradients").get_to(gradients);
  } catch (const Json::exception& e) {
    throw Error(ExitStatus::bad_data, str(path, " is no description of an exported model: ", e.what()));
  }
}

void ExportedDescription::require_fit(const ModelInput& input) const {
  for (const char* column : {"images", "features", "categories"}) {
    const auto wanted =
        std::find_if(inputs.begin(), inputs.end(), [&](const Input& i) { return i.column == column; });
    const auto wanted_shape = wanted == inputs.end() ? std::vector<std::int64_t>{} : wanted->shape;
    const auto given = row_shape(input, column);
    if (wanted_shape == given) continue;
    throw Error(ExitStatus::configuration,
                str("the exported model takes ", column, " of shape ", text_of(wanted_shape),
                    "; those of the dataset are ", text_of(given)),
                "export the model with the --batch that fits the dataset");
  }
  const bool regression = input.outputs == 1;
  if (classes == regression) {
    throw Error(ExitStatus::configuration,
                str("the exported model learns ", classes ? "classes" : "numbers",
                    "; the dataset's target has ", regression ? "numbers" : "classes"),
                "export it with the --loss that fits the dataset");
  }
  if (outputs != input.outputs) {
    throw Error(ExitStatus::configuration,
                str("the exported model gives ", outputs, " outputs a row; the dataset has ", input.outputs,
                    " classes"));
  }
}

std::vector<std::string> missing_instructions(const std::vector<std::string>& needed,
                                              const std::vector<std::string>& available) {
  std::vector<std::string> missing;
  for (const auto& name : needed) {
    if (std::find(available.begin(), available.end(), name) == available.end()) missing.push_back(name);
  }
  return missing;
}

}  // namespace rankflow
