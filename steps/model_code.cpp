#include "steps/model_code.h"

#include <filesystem>

#include "base/error.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr const char* library = "plugin.so";

void copy_file(const std::string& from, const std::string& to) {
  std::error_code failed;
  std::filesystem::copy_file(from, to, failed);
  if (failed) throw system_error(str("cannot copy ", from, " to"), to, failed.value());
}

}  // namespace

bool is_brought(const Json& spec) {
  return spec.at("type") == "exported" || spec.at("type") == "plugin";
}

void copy_model_code(const Json& spec, const std::string& brought, const std::string& artifact) {
  if (spec.at("type") == "plugin") {
    copy_file(brought, str(artifact, "/", library));
    return;
  }
  for (const char* file : {"exported.json", "constants.safetensors", "forward.pt2"})
    copy_file(str(brought, "/", file), str(artifact, "/", file));
}

std::string model_code_in(const std::string& artifact, const Json& spec) {
  return spec.at("type") == "plugin" ? str(artifact, "/", library) : artifact;
}

}  // namespace rankflow
