#include "runtime/parameters.h"

#include <algorithm>

#include "base/text.h"

namespace rankflow {

namespace {

bool is_long_form(const Node& node) {
  if (node.kind != Node::Kind::mapping || node.entries.empty()) return false;
  if (node.find("default")) return true;
  const Fields known = parameter_fields();
  return std::all_of(node.entries.begin(), node.entries.end(), [&](const auto& entry) {
    return std::any_of(known.begin(), known.end(),
                       [&](const Field& f) { return f.name == entry.first.text; });
  });
}

const Node* find_binding(const Node& node) {
  if (has_binding(node.text)) return &node;
  for (const auto& item : node.items) {
    if (const auto* found = find_binding(item)) return found;
  }
  for (const auto& [key, value] : node.entries) {
    if (has_binding(key.text)) return &key;
    if (const auto* found = find_binding(value)) return found;
  }
  return nullptr;
}

std::size_t count_nodes(const Node& node) {
  std::size_t n = 1;
  for (const auto& item : node.items) n += count_nodes(item);
  for (const auto& [key, value] : node.entries) n += 1 + count_nodes(value);
  return n;
}

std::size_t count_bytes(const Node& node) {
  std::size_t n = node.text.size();
  for (const auto& item : node.items) n += count_bytes(item);
  for (const auto& [key, value] : node.entries) n += key.text.size() + count_bytes(value);
  return n;
}

Field field_of_type(const std::string& type) {
  if (type == "boolean") return boolean("", "");
  if (type == "integer") return integer("", "");
  if (type == "number") return number("", "");
  if (type == "text") return text("", "");
  if (type == "list") return list("", any("", ""), "");
  if (type == "map") return map("", any("", ""), "");
  return any("", "");
}

}  // namespace

Fields parameter_fields() {
  return {
      any("default", "The value unless --set gives another; without it --set must give one"),
      text("description", "What it is, for people"),
      choice("type", {"boolean", "integer", "number", "text", "list", "map", "any"},
             "What the value must be"),
      list("choices", any("", ""), "The values there are"),
      number("min", "The least integer or number"),
      number("max", "The greatest integer or number"),
  };
}

Parameters::Parameters(const Node* declared, const std::string& file) : file_(file) {
  if (!declared || declared->kind == Node::Kind::null) return;
  if (declared->kind != Node::Kind::mapping) {
    throw error(*declared, "",
                str("parameters must be a mapping of names to values, not ", shown(*declared)));
  }
  parameters_.reserve(declared->entries.size());
  for (const auto& [key, value] : declared->entries) declare(key, value);
}

void Parameters::declare(const Node& key, const Node& value) {
  if (!is_binding_name(key.text)) {
    throw error(key, "", bad_name("a parameter's", key.text));
  }
  Parameter parameter;
  parameter.name = key.text;
  parameter.key = key;
  parameter.field = any("", "");
  if (is_long_form(value)) {
    declare_long(parameter, value);
  } else {
    parameter.value = value;
  }
  parameter.field.name = str("parameter ", in_quotes(key.text));
  index_.emplace(parameter.name, parameters_.size());
  parameters_.push_back(std::move(parameter));
}

void Parameters::declare_long(Parameter& parameter, const Node& node) const {
  const std::string what = str("parameter ", in_quotes(parameter.name));
  const Json given = validate(node, parameter_fields(), file_, what);
  const Node* value = node.find("default");
  parameter.has_value = value != nullptr;
  if (value) parameter.value = *value;
  const bool ranged = given.contains("min") || given.contains("max");
  std::string type = given.value("type", "any");
  if (type == "any" && ranged) {
    const bool whole =
        value && value->kind == Node::Kind::scalar && value->scalar_type() == Node::ScalarType::integer;
    type = whole ? "integer" : "number";
  }
  Field& field = parameter.field = field_of_type(type);
  if (ranged && type != "integer" && type != "number")
    throw error(node, what, "min and max are for integers and numbers");
  if (given.contains("min")) field.minimum = given["min"];
  if (given.contains("max")) field.maximum = given["max"];
  if (field.minimum > field.maximum) throw error(node, what, "min is greater than max");
  if (const Node* choices = node.find("choices"); choices && choices->kind == Node::Kind::sequence) {
    if (choices->items.empty()) throw error(*choices, what, "choices is empty");
    field.kind = Field::Kind::choice;
    for (const auto& c : choices->items) field.choices.push_back(c.text);
  }
}

std::vector<std::string> Parameters::names() const {
  std::vector<std::string> names;
  for (const auto& p : parameters_) names.push_back(p.name);
  return names;
}

Node* Parameters::value(const std::string& name) {
  const auto found = index_.find(name);
  if (found == index_.end()) return nullptr;
  Parameter& parameter = parameters_[found->second];
  parameter.has_value = true;
  return &parameter.value;
}

void Parameters::check() const {
  for (const auto& p : parameters_) {
    if (!p.has_value) {
      throw error(p.key, "", str(p.field.name, " has no value; give one with --set ", p.name, "=VALUE"));
    }
    if (const auto* bound = find_binding(p.value))
      throw error(*bound, "", str(p.field.name, " can't hold a binding"));
    if (p.value.kind != Node::Kind::null) validate_value(p.value, p.field, file_, "");
  }
}

Json Parameters::to_json() const {
  Json out = Json::object();
  for (const auto& p : parameters_) out[p.name] = p.value.to_json(file_);
  return out;
}

void Parameters::substitute(Node& node, const std::string& what) {
  for (auto& item : node.items) substitute(item, what);
  for (auto& [key, value] : node.entries) {
    if (has_binding(key.text))
      throw error(key, what, str("the key ", in_quotes(key.text), " can't hold a binding"));
    substitute(value, what);
  }
  if (node.kind == Node::Kind::scalar && has_binding(node.text)) substitute_text(node, what);
}

void Parameters::substitute_text(Node& node, const std::string& what) {
  std::vector<Binding> pieces;
  try {
    pieces = parse_bindings(node.text);
  } catch (const BindingError& e) {
    throw error(node, what, e.message(), e.offset());
  }
  const auto is_parameter = [](const Binding& b) { return b.kind == Binding::Kind::parameter; };
  if (std::none_of(pieces.begin(), pieces.end(), is_parameter)) return;
  if (pieces.size() == 1) {
    const Node& value = find(pieces[0], node, what).value;
    spend(count_nodes(value), count_bytes(value), node, what);
    node = value;
    return;
  }
  std::string text;
  for (const auto& piece : pieces) {
    if (!is_parameter(piece)) {
      text += written(piece);
      continue;
    }
    const std::string& value = as_text(find(piece, node, what), piece, node, what);
    spend(0, value.size(), node, what);
    text += value;
  }
  node.text = std::move(text);
  node.quoted = true;
  node.verbatim = false;
}

const Parameters::Parameter& Parameters::find(const Binding& binding, const Node& node,
                                              const std::string& what) const {
  const auto found = index_.find(binding.name);
  if (found != index_.end()) return parameters_[found->second];
  throw error(
      node, what,
      str("no parameter ", in_quotes(binding.name), " in this pipeline", did_you_mean(binding.name, names())),
      binding.offset);
}

const std::string& Parameters::as_text(const Parameter& parameter, const Binding& binding, const Node& node,
                                       const std::string& what) const {
  if (parameter.value.kind == Node::Kind::scalar) return parameter.value.text;
  throw error(
      node, what,
      str(parameter.field.name, " is ", shown(parameter.value), ", which can't stand inside other text"),
      binding.offset);
}

void Parameters::spend(std::size_t nodes, std::size_t bytes, const Node& node, const std::string& what) {
  const YamlLimits limits;
  nodes_ += nodes;
  bytes_ += bytes;
  if (nodes_ <= limits.nodes && bytes_ <= limits.bytes) return;
  throw error(node, what,
              str("more than ", human_count(static_cast<std::int64_t>(limits.nodes)), " values or ",
                  human_bytes(static_cast<double>(limits.bytes)), " once parameters are put in"));
}

ConfigError Parameters::error(const Node& node, const std::string& what, const std::string& message,
                              std::size_t offset) const {
  return {mark_of(node, file_, offset), what.empty() ? message : str(what, ": ", message)};
}

}  // namespace rankflow
