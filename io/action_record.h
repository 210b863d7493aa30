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
  Json results = Json::object();               // what the step reported (metrics): shown where it is reused
  Json details = Json::object();               // ranks, seconds: for people who read the file
};

/// The record's file: indented JSON with a SHA-256 over all the rest.
std::string encode(const ActionRecord& record);
/// nullopt unless `text` is, byte for byte, what encode() gives for a record of `fingerprint`.
std::optional<ActionRecord> decode_action_record(std::string_view text, const std::string& fingerprint);

/// What planning needs of a record, all but fingerprint and details, in a form that costs no JSON to read where there are no
/// results: thousands of unchanged steps are planned in milliseconds.
std::string summarize(const ActionRecord& record);
/// The record of `fingerprint` that `summary` was made of, without its details.
ActionRecord from_summary(std::string_view summary, const std::string& fingerprint);

}  // namespace rankflow
