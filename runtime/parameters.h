// The parameters of a pipeline: declared in its file, changed by --set, and put where ${{parameters.NAME}}
// stands.
#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/json.h"
#include "runtime/field.h"
#include "runtime/yaml.h"

namespace rankflow {

/// Keys of the long form: default, description, type, choices, min, max. A mapping that has `default`, or no
/// other keys than these, is the long form; any other value is the default itself.
Fields parameter_fields();

class Parameters {
 public:
  /// `declared`: what stands at `parameters`, or null. Throws ConfigError where a declaration is wrong.
  Parameters(const Node* declared, const std::string& file);

  std::vector<std::string> names() const;
  /// The value of a parameter, to be changed; nullptr where there is none.
  Node* value(const std::string& name);
  /// Throws ConfigError where a value is missing or doesn't fit its declaration. Call once --set has been
  /// applied.
  void check() const;
  /// name → value.
  Json to_json() const;

  /// Replaces every ${{parameters.NAME}} below `node`: a text that is nothing else becomes the typed value,
  /// with the place where that stands; inside other text its characters are put in. Throws ConfigError,
  /// starting with `what`, for unknown names, malformed bindings and bindings in keys, and where the result
  /// would exceed YamlLimits.
  void substitute(Node& node, const std::string& what);

 private:
  struct Parameter {
    std::string name;
    Node key;
    Node value;
    Field field;  // what the value must be
    bool has_value = true;
  };

  void declare(const Node& key, const Node& value);
  void declare_long(Parameter& parameter, const Node& node) const;
  const Parameter& find(const Binding& binding, const Node& node, const std::string& what) const;
  const std::string& as_text(const Parameter& parameter, const Binding& binding, const Node& node,
                             const std::string& what) const;
  void substitute_text(Node& node, const std::string& what);
  void spend(std::size_t nodes, std::size_t bytes, const Node& node, const std::string& what);
  ConfigError error(const Node& node, const std::string& what, const std::string& message,
                    std::size_t offset = 0) const;

  std::string file_;
  std::vector<Parameter> parameters_;
  std::unordered_map<std::string, std::size_t> index_;
  std::size_t nodes_ = 0, bytes_ = 0;  // put in so far
};

}  // namespace rankflow
