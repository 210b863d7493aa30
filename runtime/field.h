// Tables that describe keys: name, type, default, range, help. One table makes the validator, the JSON Schema
// that editors use, and docs/pipeline.md, so that the three can't drift apart.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
#include "runtime/binding.h"
#include "runtime/yaml.h"

namespace rankflow {

struct Field;
using Fields = std::vector<Field>;

/// One of several shapes of an object, told apart by its key `type` (say, the kinds of model).
struct Variant;

struct Field {
  enum class Kind { boolean, integer, number, text, choice, list, map, object, variant, any };

  std::string name;
  Kind kind = Kind::text;
  std::string help;
  bool required = false;
  Json otherwise = nullptr;  // the default; null: the key is absent from the result when not given
  double minimum =
      -std::numeric_limits<double>::infinity();  // integer and number; of a list or map: its least size
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_excluded = false;     // number: greater than, not equal to, the minimum
  std::vector<std::string> choices;  // choice; integer and number: words that may stand instead ("all")
  Fields element;                    // list and map: exactly one field, the type of every element
  Fields fields;                     // object
  std::vector<Variant> variants;     // variant
  bool scalar_as_list = false;       // list: a single value may stand for a list of one
  bool bindings = false;             // text: may hold ${{inputs.x}}, ${{steps.s.outputs.o}}, ${{outputs.o}}
  bool cosmetic = false;             // of a step type's own keys: never changes a result, so not hashed
  bool judging =
      false;  // the same: decides which failures are let pass, not what is computed (Fingerprint::work)
};

struct Variant {
  std::string type;
  std::string help;
  Fields fields;
};

// Constructors that keep tables readable; chain the setters below.
Field boolean(std::string name, std::string help);
Field integer(std::string name, std::string help);
Field number(std::string name, std::string help);
Field text(std::string name, std::string help);
Field choice(std::string name, std::vector<std::string> choices, std::string help);
Field list(std::string name, Field element, std::string help);
Field map(std::string name, Field element, std::string help);
Field object(std::string name, Fields fields, std::string help);
Field variant(std::string name, std::vector<Variant> variants, std::string help);
Field any(std::string name, std::string help);

Field required(Field f);
Field with_default(Field f, Json value);
Field between(Field f, double minimum, double maximum);
Field at_least(Field f, double minimum);
Field above(Field f, double minimum);
Field bindable(Field f);
Field or_single(Field f);
Field or_word(Field f, std::string word);
/// For keys such as how often to write a checkpoint: they stay out of the fingerprint. Not for nested keys.
inline Field not_hashed(Field f) {
  f.cosmetic = true;
  return f;
}

/// For keys such as how many failures are let pass: another value is another result, but goes on with the work that was begun.
/// Not for nested keys.
inline Field judging(Field f) {
  f.judging = true;
  return f;
}

/// A text with bindings that was found while validating.
struct BoundText {
  std::string key;   // where it stands: "command[2]"
  const Node* node;  // of the validated tree
  std::vector<Binding> pieces;
};

/// Checks `node` (a mapping) against `fields` and returns its values, complete with defaults. Throws
/// ConfigError at the first wrong place: unknown key (did you mean …?), missing key, wrong type, out of
/// range. NaN is never in range. A key without a value (null) counts as not given. A `number` becomes a
/// double however it was written, so that 1 and 1.0 are the same value; a `text` keeps its characters (1.10
/// stays "1.10"). `what` starts each message: `step "train"`. Texts with bindings are added to `bound` where
/// it is given; the bindings themselves (does the input exist?) are for the caller to check.
Json validate(const Node& node, const Fields& fields, const std::string& file, const std::string& what,
              std::vector<BoundText>* bound = nullptr);
/// The same for a single value, which messages call by the name of `field`.
Json validate_value(const Node& node, const Field& field, const std::string& file, const std::string& what);
/// Only that `node` is a mapping with no unknown and no missing keys.
void check_keys(const Node& node, const Fields& fields, const std::string& file, const std::string& what);

/// JSON Schema (draft 2020-12) of an object with these fields. `in_pipeline`: a binding may stand for a value
/// of any type, as it may before pipeline parameters are put in.
Json json_schema(const Fields& fields, bool in_pipeline = false);
/// The same for a single value.
Json json_schema(const Field& field, bool in_pipeline = false);
/// Markdown table rows for docs/pipeline.md: key, type, default, meaning; nested keys as `a.b`.
std::string markdown_rows(const Fields& fields, const std::string& prefix = {});

}  // namespace rankflow
