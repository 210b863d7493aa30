// An action record: what a step's fingerprint led to. Its file carries a checksum, so that a damaged one
// counts as absent.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "io/json.h"

namespace rankflow {

struct ActionRecord {
  std::string fingerprint;
  std::map<std::string, std::string> outputs;  // output name → digest of its artifact
  std::string run;                             // the run that made them
  Json details = Json::object();               // metrics, ranks, seconds: shown for a reused step
};

/// The record's file: indented JSON with a SHA-256 over all the rest.
std::string encode(const ActionRecord& record);
/// nullopt unless `text` is, byte for byte, what encode() gives for a record of `fingerprint`.
std::optional<ActionRecord> decode_action_record(std::string_view text, const std::string& fingerprint);
/// The same for a text that has been checked before.
ActionRecord decode_checked_action_record(std::string_view text);

}  // namespace rankflow
