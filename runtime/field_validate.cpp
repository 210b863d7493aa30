#include <cmath>

#include "base/text.h"
#include "runtime/field.h"

namespace rankflow {

namespace {

/// Where in the validated value we are, as a chain on the stack: its text is only built for messages.
struct Place {
  const Place* outer = nullptr;
  std::string_view key;
  std::ptrdiff_t index = -1;  // in a list; -1: `key` counts

  std::string text() const {
    std::string before = outer ? outer->text() : std::string();
    if (index >= 0) return str(before, "[", std::to_string(index), "]");
    return before.empty() ? std::string(key) : str(before, ".", key);
  }
};

std::vector<std::string> names_of(const Fields& fields) {
  std::vector<std::string> names;
  for (const auto& f : fields) names.push_back(f.name);
  return names;
}

/// "a, b or c".
std::string alternatives(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

std::string limit_text(double limit, bool whole) {
  return whole && std::abs(limit) < 9e18 ? std::to_string(static_cast<std::int64_t>(limit))
                                         : significant(limit, 10);
}

/// "between 1 and 100", "at least 1", "greater than 0": what a number must be.
std::string range_text(const Field& f) {
  const bool whole = f.kind != Field::Kind::number;
  const bool low = std::isfinite(f.minimum), high = std::isfinite(f.maximum);
  const std::string from = limit_text(f.minimum, whole), to = limit_text(f.maximum, whole);
  if (f.minimum_excluded)
    return high ? str("greater than ", from, " and at most ", to) : str("greater than ", from);
  if (low && high) return str("between ", from, " and ", to);
  if (low) return str("at least ", from);
  return high ? str("at most ", to) : "";
}

std::string expected(const Field& f, const char* kind) {
  std::string out;
  for (const auto& word : f.choices) out += str(in_quotes(word), " or ");
  const auto range = range_text(f);
  return str(out, kind, range.empty() ? "" : range.starts_with("at ") ? " of " : " ", range);
}

bool in_range(const Field& f, double value) {
  // Written so that NaN is out.
  return (f.minimum_excluded ? value > f.minimum : value >= f.minimum) && value <= f.maximum;
}

class Validator {
 public:
  Validator(const std::string& file, const std::string& what, std::vector<BoundText>* bound)
      : file_(file), what_(what), bound_(bound) {}

  Json object(const Node& node, const Fields& fields, const Place* at, std::string_view also = {}) {
    check_keys(node, fields, at, also);
    Json out = Json::object();
    for (const auto& f : fields) {
      const Place here{at, f.name};
      const Node* given = node.find(f.name);
      if (given && given->kind != Node::Kind::null) {
        out[f.name] = value(*given, f, here);
      } else if (!f.otherwise.is_null()) {
        out[f.name] = default_of(f, here);
      }
    }
    return out;
  }

  void check_keys(const Node& node, const Fields& fields, const Place* at, std::string_view also = {}) const {
    if (node.kind != Node::Kind::mapping) {
      throw wrong(node, at ? str(at->text(), " must be") : "this must be", "a mapping of keys to values",
                  node);
    }
    for (const auto& [key, given] : node.entries) {
      if (!has(fields, key.text) && (also.empty() || key.text != also))
        throw unknown_key(key, fields, at, also);
    }
    for (const auto& f : fields) {
      if (!f.required) continue;
      const Node* given = node.find(f.name);
      if (given && given->kind != Node::Kind::null) continue;
      throw error(given ? *given : node,
                  str(given ? "no value for the key " : "missing key ", in_quotes(f.name), inside(at)));
    }
  }

  Json value(const Node& node, const Field& f, const Place& at) {
    switch (f.kind) {
      case Field::Kind::boolean:
        return boolean(node, at);
      case Field::Kind::integer:
        return integer(node, f, at);
      case Field::Kind::number:
        return number(node, f, at);
      case Field::Kind::text:
        return text(node, f, at);
      case Field::Kind::choice:
        return choice(node, f, at);
      case Field::Kind::list:
        return list(node, f, at);
      case Field::Kind::map:
        return map(node, f, at);
      case Field::Kind::object:
        return object(node, f.fields, &at);
      case Field::Kind::variant:
        return variant(node, f, at);
      case Field::Kind::any:
        refuse_bindings(node, at);
        return node.to_json(file_);
    }
    return nullptr;
  }

 private:
  static bool has(const Fields& fields, std::string_view name) {
    for (const auto& f : fields) {
      if (f.name == name) return true;
    }
    return false;
  }

  Json default_of(const Field& f, const Place& at) {
    // An object's default may leave out keys that have defaults of their own.
    if (f.kind != Field::Kind::object && f.kind != Field::Kind::variant) return f.otherwise;
    return value(Node::from_json(f.otherwise), f, at);
  }

  static bool plain(const Node& node, Node::ScalarType type) {
    return node.kind == Node::Kind::scalar && node.scalar_type() == type;
  }

  Json boolean(const Node& node, const Place& at) const {
    if (!plain(node, Node::ScalarType::boolean)) throw must_be(node, at, "true or false");
    return node.text[0] == 't' || node.text[0] == 'T';
  }

  static const std::string* word(const Node& node, const Field& f) {
    if (node.kind != Node::Kind::scalar) return nullptr;
    for (const auto& w : f.choices) {
      if (node.text == w) return &w;
    }
    return nullptr;
  }

  Json integer(const Node& node, const Field& f, const Place& at) const {
    if (const auto* w = word(node, f)) return *w;
    if (!plain(node, Node::ScalarType::integer)) throw must_be(node, at, expected(f, "an integer"));
    const auto v = node.as_integer();
    if (!v) throw must_be(node, at, str(expected(f, "an integer"), " that fits into 64 bits"));
    if (!in_range(f, static_cast<double>(*v))) throw must_be(node, at, expected(f, "an integer"));
    return *v;
  }

  Json number(const Node& node, const Field& f, const Place& at) const {
    if (const auto* w = word(node, f)) return *w;
    if (!plain(node, Node::ScalarType::number) && !plain(node, Node::ScalarType::integer))
      throw must_be(node, at, expected(f, "a number"));
    const double v = node.as_number();
    if (!std::isfinite(v)) throw must_be(node, at, expected(f, "a finite number"));
    if (!in_range(f, v)) throw must_be(node, at, expected(f, "a number"));
    return v;
  }

  Json text(const Node& node, const Field& f, const Place& at) {
    if (node.kind != Node::Kind::scalar) throw must_be(node, at, "text");
    if (has_binding(node.text)) {
      if (!f.bindings) refuse_bindings(node, at);
      if (bound_) bound_->push_back({at.text(), &node, bindings_of(node, at)});
    }
    return node.text;
  }

  std::vector<Binding> bindings_of(const Node& node, const Place& at) const {
    try {
      return parse_bindings(node.text);
    } catch (const BindingError& e) {
      throw error(node, str(at.text(), ": ", e.message()), e.offset());
    }
  }

  void refuse_bindings(const Node& node, const Place& at) const {
    for (const auto& [key, below] : node.entries) refuse_bindings(below, at);
    for (const auto& item : node.items) refuse_bindings(item, at);
    if (!has_binding(node.text)) return;
    for (const auto& piece : bindings_of(node, at)) {
      if (piece.kind == Binding::Kind::literal) continue;
      throw error(node, str(at.text(), " takes no ", written(piece), ", only ${{parameters.NAME}}"),
                  piece.offset);
    }
  }

  Json choice(const Node& node, const Field& f, const Place& at) const {
    if (const auto* w = word(node, f)) return *w;
    const std::string near = node.kind == Node::Kind::scalar ? did_you_mean(node.text, f.choices) : "";
    throw error(node, str(at.text(), " must be ", alternatives(f.choices), ", not ", shown(node), near));
  }

  Json list(const Node& node, const Field& f, const Place& at) {
    Json out = Json::array();
    if (node.kind == Node::Kind::sequence) {
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        out.push_back(value(node.items[i], f.element.front(), {&at, {}, static_cast<std::ptrdiff_t>(i)}));
      }
    } else if (f.scalar_as_list) {
      out.push_back(value(node, f.element.front(), at));
    } else {
      throw must_be(node, at, "a list");
    }
    check_size(node, f, at, out.size(), "entries");
    return out;
  }

  Json map(const Node& node, const Field& f, const Place& at) {
    if (node.kind != Node::Kind::mapping) throw must_be(node, at, "a mapping of names to values");
    Json out = Json::object();
    for (const auto& [key, below] : node.entries) {
      if (has_binding(key.text)) throw error(key, str(at.text(), ": a key can't hold a binding"));
      out[key.text] = value(below, f.element.front(), {&at, key.text});
    }
    check_size(node, f, at, out.size(), "keys");
    return out;
  }

  void check_size(const Node& node, const Field& f, const Place& at, std::size_t size,
                  const char* things) const {
    if (in_range(f, static_cast<double>(size))) return;
    if (size == 0) throw error(node, str(at.text(), " must not be empty"));
    throw error(node, str(at.text(), " must have ", range_text(f), " ", things, ", not ", size));
  }

  Json variant(const Node& node, const Field& f, const Place& at) {
    if (node.kind != Node::Kind::mapping) throw must_be(node, at, "a mapping with a key \"type\"");
    std::vector<std::string> types;
    for (const auto& v : f.variants) types.push_back(v.type);
    const Node* type = node.find("type");
    if (!type || type->kind == Node::Kind::null) {
      throw error(node, str("missing key \"type\"", inside(&at), " (", alternatives(types), ")"));
    }
    const Place type_at{&at, "type"};
    Field as_choice;
    as_choice.choices = types;
    const std::string chosen = choice(*type, as_choice, type_at);
    for (const auto& v : f.variants) {
      if (v.type != chosen) continue;
      Json out = object(node, v.fields, &at, "type");
      out["type"] = chosen;
      return out;
    }
    return nullptr;
  }

  ConfigError error(const Node& node, const std::string& message, std::size_t offset = 0) const {
    return {mark_of(node, file_, offset), what_.empty() ? message : str(what_, ": ", message)};
  }

  ConfigError wrong(const Node& node, const std::string& who, const std::string& kind,
                    const Node& found) const {
    return error(node, str(who, " ", kind, ", not ", shown(found)));
  }

  ConfigError must_be(const Node& node, const Place& at, const std::string& kind) const {
    return wrong(node, str(at.text(), " must be"), kind, node);
  }

  static std::string inside(const Place* at) { return at ? str(" in ", at->text()) : ""; }

  ConfigError unknown_key(const Node& key, const Fields& fields, const Place* at,
                          std::string_view also) const {
    auto names = names_of(fields);
    if (!also.empty()) names.emplace_back(also);
    auto near = did_you_mean(key.text, names);
    if (near.empty() && !names.empty())
      near = str("; there ", names.size() == 1 ? "is " : "are ", join(names, ", "));
    if (names.empty()) near = "; there are none here";
    return error(key, str("unknown key ", in_quotes(key.text), inside(at), near));
  }

  const std::string& file_;
  const std::string& what_;
  std::vector<BoundText>* bound_;
};

}  // namespace

Json validate(const Node& node, const Fields& fields, const std::string& file, const std::string& what,
              std::vector<BoundText>* bound) {
  return Validator(file, what, bound).object(node, fields, nullptr);
}

Json validate_value(const Node& node, const Field& field, const std::string& file, const std::string& what) {
  return Validator(file, what, nullptr).value(node, field, {nullptr, field.name});
}

void check_keys(const Node& node, const Fields& fields, const std::string& file, const std::string& what) {
  Validator(file, what, nullptr).check_keys(node, fields, nullptr);
}

}  // namespace rankflow
