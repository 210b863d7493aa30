#include <cmath>

#include "base/text.h"
#include "runtime/field.h"

namespace rankflow {

namespace {

Json bounds(Json schema, const Field& f, const char* low, const char* high) {
  const auto put = [&](const char* key, double value) {
    if (f.kind == Field::Kind::number) {
      schema[key] = value;
    } else {
      schema[key] = static_cast<std::int64_t>(value);
    }
  };
  if (std::isfinite(f.minimum)) put(f.minimum_excluded ? "exclusiveMinimum" : low, f.minimum);
  if (std::isfinite(f.maximum)) put(high, f.maximum);
  return schema;
}

Json object_schema(const Fields& fields, bool in_pipeline) {
  Json properties = Json::object(), needed = Json::array();
  for (const auto& f : fields) {
    properties[f.name] = json_schema(f, in_pipeline);
    if (f.required) needed.push_back(f.name);
  }
  Json out = {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!needed.empty()) out["required"] = needed;
  return out;
}

Json variant_schema(const Field& f, bool in_pipeline) {
  Json kinds = Json::array(), types = Json::array();
  for (const auto& v : f.variants) {
    Json one = object_schema(v.fields, in_pipeline);
    one["properties"]["type"] = true;
    kinds.push_back({{"if", {{"properties", {{"type", {{"const", v.type}}}}}}}, {"then", one}});
    types.push_back(v.type);
  }
  return {{"type", "object"},
          {"required", {"type"}},
          {"properties", {{"type", {{"enum", types}}}}},
          {"allOf", kinds}};
}

Json bare_schema(const Field& f, bool in_pipeline) {
  switch (f.kind) {
    case Field::Kind::boolean:
      return {{"type", "boolean"}};
    case Field::Kind::integer:
      return bounds({{"type", "integer"}}, f, "minimum", "maximum");
    case Field::Kind::number:
      return bounds({{"type", "number"}}, f, "minimum", "maximum");
    // Any plain scalar is taken as text.
    case Field::Kind::text:
      return {{"type", {"string", "number", "boolean"}}};
    case Field::Kind::choice:
      return {{"enum", f.choices}};
    case Field::Kind::list:
      return bounds({{"type", "array"}, {"items", json_schema(f.element.front(), in_pipeline)}}, f,
                    "minItems", "maxItems");
    case Field::Kind::map:
      return bounds(
          {{"type", "object"}, {"additionalProperties", json_schema(f.element.front(), in_pipeline)}}, f,
          "minProperties", "maxProperties");
    case Field::Kind::object:
      return object_schema(f.fields, in_pipeline);
    case Field::Kind::variant:
      return variant_schema(f, in_pipeline);
    case Field::Kind::any:
      return Json::object();
  }
  return Json::object();
}

std::string range(const Field& f) {
  const auto limit = [](double v) { return significant(v, 10); };
  std::string out;
  if (std::isfinite(f.minimum)) out += str(f.minimum_excluded ? " > " : " ≥ ", limit(f.minimum));
  if (std::isfinite(f.maximum)) out += str(out.empty() ? " ≤ " : ", ≤ ", limit(f.maximum));
  return out;
}

std::string code_list(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words) out += str(out.empty() ? "" : ", ", "`", w, "`");
  return out;
}

std::string type_text(const Field& f) {
  const std::string words = f.choices.empty() ? "" : str(code_list(f.choices), " or ");
  switch (f.kind) {
    case Field::Kind::boolean:
      return "true or false";
    case Field::Kind::integer:
      return str(words, "integer", range(f));
    case Field::Kind::number:
      return str(words, "number", range(f));
    case Field::Kind::text:
      return f.bindings ? "text with bindings" : "text";
    case Field::Kind::choice:
      return code_list(f.choices);
    case Field::Kind::list:
      return str("list of ", type_text(f.element.front()), f.scalar_as_list ? ", or one" : "");
    case Field::Kind::map:
      return str("names → ", type_text(f.element.front()));
    case Field::Kind::object:
      return "mapping";
    case Field::Kind::variant:
      return "mapping with `type`";
    case Field::Kind::any:
      return "any value";
  }
  return {};
}

std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string default_text(const Field& f) {
  if (f.required) return "**required**";
  return f.otherwise.is_null() ? "" : str("`", f.otherwise.dump(), "`");
}

std::string row(const std::string& key, const std::string& type, const std::string& otherwise,
                const std::string& help) {
  return str("| `", key, "` | ", cell(type), " | ", cell(otherwise), " | ", cell(help), " |\n");
}

/// The rows of what stands below a field, whatever it is nested in.
std::string rows_below(const Field& f, const std::string& key) {
  switch (f.kind) {
    case Field::Kind::object:
      return markdown_rows(f.fields, key + ".");
    case Field::Kind::list:
      return rows_below(f.element.front(), key + "[]");
    case Field::Kind::map:
      return rows_below(f.element.front(), key + ".NAME");
    case Field::Kind::variant: {
      std::string out;
      for (const auto& v : f.variants) {
        out += row(key + ".type", str("`", v.type, "`"), "", v.help);
        out += markdown_rows(v.fields, key + ".");
      }
      return out;
    }
    default:
      return {};
  }
}

}  // namespace

Json json_schema(const Field& field, bool in_pipeline) {
  Json out = bare_schema(field, in_pipeline);
  Json alternatives = Json::array();
  const bool number = field.kind == Field::Kind::integer || field.kind == Field::Kind::number;
  if (number && !field.choices.empty()) alternatives.push_back({{"enum", field.choices}});
  if (field.kind == Field::Kind::list && field.scalar_as_list) {
    alternatives.push_back(json_schema(field.element.front(), false));
  }
  const bool takes_any_text = field.kind == Field::Kind::text || field.kind == Field::Kind::any;
  if (in_pipeline && !takes_any_text)
    alternatives.push_back({{"type", "string"}, {"pattern", "\\$\\{\\{.+\\}\\}"}});
  if (!alternatives.empty()) {
    alternatives.insert(alternatives.begin(), out);
    out = {{"anyOf", alternatives}};
  }
  if (!field.help.empty()) out["description"] = field.help;
  if (!field.otherwise.is_null()) out["default"] = field.otherwise;
  return out;
}

Json json_schema(const Fields& fields, bool in_pipeline) {
  return object_schema(fields, in_pipeline);
}

std::string markdown_rows(const Fields& fields, const std::string& prefix) {
  std::string out;
  for (const auto& f : fields) {
    out += row(prefix + f.name, type_text(f), default_text(f), f.help);
    out += rows_below(f, prefix + f.name);
  }
  return out;
}

}  // namespace rankflow
