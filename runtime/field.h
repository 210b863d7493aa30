// Tables that describe keys: name, type, default, range, help. One table makes the validator, the JSON Schema that
// editors use, and docs/pipeline.md, so that the three can't drift apart.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "io/json.h"
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
  Json otherwise = nullptr;  // the default; null: absent when not given
  double minimum = -std::numeric_limits<double>::infinity();  // integer and number; of a list or map: its least size
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_excluded = false;             // number: greater than, not equal to, the minimum
  std::vector<std::string> choices;          // choice
  Fields element;                            // list and map: exactly one field, the type of every element
  Fields fields;                             // object
  std::vector<Variant> variants;             // variant
  bool scalar_as_list = false;               // list: a single value may stand for a list of one
  bool bindings = false;                     // text: may hold ${{inputs.x}}, ${{steps.s.outputs.o}}, ${{outputs.o}}
  bool cosmetic = false;                     // of a step type's own keys: never changes a result, so not hashed
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

Field required(Field f);
Field with_default(Field f, Json value);
Field between(Field f, double minimum, double maximum);
Field at_least(Field f, double minimum);
Field above(Field f, double minimum);
Field bindable(Field f);
Field or_single(Field f);
/// For keys such as how often to write a checkpoint: they stay out of the fingerprint. Not for nested keys.
inline Field not_hashed(Field f) {
  f.cosmetic = true;
  return f;
}

/// Checks `node` (a mapping) against `fields` and returns its values, complete with defaults. Throws ConfigError at the
/// first wrong place: unknown key (did you mean …?), missing key, wrong type, out of range. NaN is never in range.
Json validate(const Node& node, const Fields& fields, const std::string& file, const std::string& what);

/// JSON Schema (draft 2020-12) of an object with these fields.
Json json_schema(const Fields& fields);
/// Markdown table rows for docs/pipeline.md: key, type, default, meaning; nested keys as `a.b`.
std::string markdown_rows(const Fields& fields, const std::string& prefix = {});

}  // namespace rankflow
