#include "io/json.h"

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"

namespace rankflow {

Json read_json(const std::string& path) {
  const std::string text = read_file(path);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& e) {
    throw Error(ExitStatus::bad_data, str(path, " is not JSON: ", e.what()));
  }
}

std::optional<Json> try_read_json(const std::string& path) {
  if (!exists(path)) return std::nullopt;
  std::string text;
  try {
    text = read_file(path);
  } catch (const Error&) {
    // Another process may remove it between the two calls; what is still there and can't be read is an error.
    if (exists(path)) throw;
    return std::nullopt;
  }
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

}  // namespace rankflow
