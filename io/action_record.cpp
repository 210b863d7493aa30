#include "io/action_record.h"

#include <algorithm>

#include "base/sha256.h"
#include "base/text.h"

namespace rankflow {
namespace {

constexpr const char* kFormat = "rankflow action 1";

// Metrics and names come from users' programs: what is not UTF-8 in them must not cost a finished step its
// record.
std::string dump(const Json& json, int indent) {
  return json.dump(indent, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

/// What summarize() can hold: digests, and no line breaks in names.
bool sound(const ActionRecord& record) {
  const auto one_line = [](const std::string& text) { return text.find('\n') == std::string::npos; };
  return one_line(record.run) &&
         std::all_of(record.outputs.begin(), record.outputs.end(),
                     [&](const auto& o) { return one_line(o.first) && is_digest(o.second); });
}

}  // namespace

std::string encode(const ActionRecord& record) {
  Json json = {{"format", kFormat}, {"fingerprint", record.fingerprint}, {"outputs", record.outputs},
               {"run", record.run}, {"results", record.results},         {"details", record.details}};
  json["checksum"] = sha256(dump(json, -1));
  return dump(json, 1) + "\n";
}

std::optional<ActionRecord> decode_action_record(std::string_view text, const std::string& fingerprint) {
  try {
    Json json = Json::parse(text);
    ActionRecord record{json.at("fingerprint"), json.at("outputs"), json.at("run"),
                        std::move(json.at("results")), std::move(json.at("details"))};
    const bool whole = record.fingerprint == fingerprint && sound(record) && encode(record) == text;
    return whole ? std::optional(std::move(record)) : std::nullopt;
  } catch (const Json::exception&) {
    return std::nullopt;  // no JSON, or a field is missing or of another type
  }
}

// Run and results on a line each, then "DIGEST NAME" per output: names come last, as they may hold anything but a newline.
std::string summarize(const ActionRecord& record) {
  std::string text = str(record.run, "\n", record.results.empty() ? "" : dump(record.results, -1), "\n");
  for (const auto& [name, digest] : record.outputs) text += str(digest, " ", name, "\n");
  return text;
}

ActionRecord from_summary(std::string_view summary, const std::string& fingerprint) {
  const auto next_line = [&summary] {
    const auto end = std::min(summary.find('\n'), summary.size());
    const std::string_view line = summary.substr(0, end);
    summary.remove_prefix(std::min(end + 1, summary.size()));
    return line;
  };
  constexpr std::size_t digest_length = 64;
  ActionRecord record;
  record.fingerprint = fingerprint;
  record.run = next_line();
  if (const auto results = next_line(); !results.empty()) record.results = Json::parse(results);
  while (!summary.empty()) {
    const std::string_view line = next_line();
    record.outputs.emplace(line.substr(std::min(digest_length + 1, line.size())),
                           line.substr(0, digest_length));
  }
  return record;
}

}  // namespace rankflow
