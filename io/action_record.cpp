#include "io/action_record.h"

#include <algorithm>

#include "base/sha256.h"

namespace rankflow {
namespace {

constexpr const char* kFormat = "rankflow action 1";

// Metrics and names come from users' programs: what is not UTF-8 in them must not cost a finished step its
// record.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

std::string encode_fields(const std::string& fingerprint, const Json& outputs, const Json& run,
                          const Json& details) {
  Json json = {{"format", kFormat},
               {"fingerprint", fingerprint},
               {"outputs", outputs},
               {"run", run},
               {"details", details}};
  json["checksum"] = sha256(dump(json, -1));
  return dump(json, 1) + "\n";
}

bool all_digests(const std::map<std::string, std::string>& outputs) {
  return std::all_of(outputs.begin(), outputs.end(), [](const auto& o) { return is_digest(o.second); });
}

}  // namespace

std::string encode(const ActionRecord& record) {
  return encode_fields(record.fingerprint, record.outputs, record.run, record.details);
}

std::optional<ActionRecord> decode_action_record(std::string_view text, const std::string& fingerprint) {
  try {
    ActionRecord record = decode_checked_action_record(text);
    const bool whole =
        record.fingerprint == fingerprint && all_digests(record.outputs) && encode(record) == text;
    return whole ? std::optional(std::move(record)) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;  // no JSON, or a field is missing or of another type
  }
}

ActionRecord decode_checked_action_record(std::string_view text) {
  Json json = Json::parse(text);
  return {json.at("fingerprint"), json.at("outputs"), json.at("run"), std::move(json.at("details"))};
}

}  // namespace rankflow
