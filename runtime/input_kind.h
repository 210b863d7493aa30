// The kinds of input that a pipeline may have: a path, and whatever else says where data are. A kind is a row in the table of
// input_kind.cpp: the key of an input's mapping that chooses it, the keys that go with that one, and how they are read.
#pragma once

#include <string>
#include <vector>

#include "runtime/pipeline.h"

namespace rankflow {

struct InputKind {
  std::string key;  // says where the data are: `path`
  Field field;      // that key's row in the documents
  Fields options;   // keys that mean something beside it only
  /// Puts what the key and its options say into `input`; relative paths start at `folder`. Throws Error (configuration).
  void (*read)(const Json& given, const std::string& folder, PipelineInput& input);
  /// Whether a text alone, without a mapping, is of this kind.
  bool (*is_text)(const std::string& text);
};

const std::vector<InputKind>& input_kinds();
/// The keys that go with a `url` (io/location.h).
Fields location_fields();

/// Reads what stands for an input in a pipeline file: nothing, a text, a list of texts, or a mapping. `what` starts each message. Throws ConfigError
/// at the place that is wrong.
void read_input(const Node& node, const std::string& file, const std::string& folder, const std::string& what,
                PipelineInput& input);
/// Whether the text of an option is a list: `[a.csv, b.csv]`.
bool is_list_text(const std::string& text);
/// The same for the text of `--input NAME=TEXT`, where a list is written `[a.csv, b.csv]`: it replaces what the file says.
void read_input_text(const std::string& text, const std::string& folder, PipelineInput& input);

}  // namespace rankflow
