#include "runtime/yaml.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "io/file.h"

namespace rankflow {

namespace {

std::string placed(const Mark& mark, const std::string& message) {
  if (mark.file.empty()) return message;
  if (mark.line == 0) return str(mark.file, ": ", message);
  return str(mark.file, ":", std::to_string(mark.line), ":", std::to_string(mark.column), ": ", message);
}

bool all_digits(std::string_view t, bool (*digit)(char)) {
  return !t.empty() && std::all_of(t.begin(), t.end(), digit);
}
bool decimal(char c) {
  return c >= '0' && c <= '9';
}
bool octal(char c) {
  return c >= '0' && c <= '7';
}
bool hexadecimal(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

std::string_view without_sign(std::string_view t) {
  if (!t.empty() && (t[0] == '-' || t[0] == '+')) t.remove_prefix(1);
  return t;
}

// The patterns are those of YAML 1.2.2, section 10.3.2.
bool is_integer(std::string_view t) {
  if (t.starts_with("0x")) return all_digits(t.substr(2), hexadecimal);
  if (t.starts_with("0o")) return all_digits(t.substr(2), octal);
  return all_digits(without_sign(t), decimal);
}

bool is_not_finite(std::string_view t) {
  if (t == ".nan" || t == ".NaN" || t == ".NAN") return true;
  t = without_sign(t);
  return t == ".inf" || t == ".Inf" || t == ".INF";
}

bool is_float(std::string_view t) {
  if (is_not_finite(t)) return true;
  t = without_sign(t);
  auto skip_digits = [&] {
    std::size_t n = 0;
    while (n < t.size() && decimal(t[n])) ++n;
    t.remove_prefix(n);
    return n;
  };
  std::size_t digits = skip_digits();
  if (!t.empty() && t[0] == '.') {
    t.remove_prefix(1);
    digits += skip_digits();
  }
  if (digits == 0) return false;
  if (!t.empty() && (t[0] == 'e' || t[0] == 'E')) {
    t = without_sign(t.substr(1));
    if (skip_digits() == 0) return false;
  }
  return t.empty();
}

}  // namespace

ConfigError::ConfigError(const Mark& mark, const std::string& message, std::source_location where)
    : Error(ExitStatus::configuration, placed(mark, message), {}, where) {}

const Node* Node::find(const std::string& key) const {
  for (const auto& [k, v] : entries) {
    if (k.text == key) return &v;
  }
  return nullptr;
}

Node* Node::find(const std::string& key) {
  for (auto& [k, v] : entries) {
    if (k.text == key) return &v;
  }
  return nullptr;
}

Node::ScalarType Node::scalar_type() const {
  if (quoted) return ScalarType::text;
  const std::string& t = text;
  if (t.empty() || t == "~" || t == "null" || t == "Null" || t == "NULL") return ScalarType::null;
  if (t == "true" || t == "True" || t == "TRUE" || t == "false" || t == "False" || t == "FALSE")
    return ScalarType::boolean;
  // Only these can start a number, and most scalars start with a letter.
  if (!decimal(t[0]) && t[0] != '-' && t[0] != '+' && t[0] != '.') return ScalarType::text;
  if (is_integer(t)) return ScalarType::integer;
  return is_float(t) ? ScalarType::number : ScalarType::text;
}

std::optional<std::int64_t> Node::as_integer() const {
  std::string_view t = text;
  int base = 10;
  if (t.starts_with("0x")) base = 16, t.remove_prefix(2);
  if (t.starts_with("0o")) base = 8, t.remove_prefix(2);
  if (t.starts_with('+')) t.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(t.data(), t.data() + t.size(), value, base);
  if (error != std::errc{} || end != t.data() + t.size()) return std::nullopt;
  return value;
}

double Node::as_number() const {
  if (is_not_finite(text)) {
    if (text[1] == 'n' || text[1] == 'N') return std::nan("");
    return text[0] == '-' ? -HUGE_VAL : HUGE_VAL;
  }
  if (text.starts_with("0x") || text.starts_with("0o")) {
    const auto integer = as_integer();
    return integer ? static_cast<double>(*integer) : HUGE_VAL;
  }
  return std::strtod(text.c_str(), nullptr);
}

Json Node::to_json(const std::string& file) const {
  if (kind == Kind::sequence) {
    Json out = Json::array();
    for (const auto& item : items) out.push_back(item.to_json(file));
    return out;
  }
  if (kind == Kind::mapping) {
    Json out = Json::object();
    for (const auto& [k, v] : entries) out[k.text] = v.to_json(file);
    return out;
  }
  if (kind == Kind::null) return nullptr;
  switch (scalar_type()) {
    case ScalarType::null:
      return nullptr;
    case ScalarType::boolean:
      return text[0] == 't' || text[0] == 'T';
    case ScalarType::integer: {
      const auto value = as_integer();
      if (!value)
        throw ConfigError(mark_of(*this, file),
                          str("the integer ", text.substr(0, 40), " doesn't fit into 64 bits"));
      return *value;
    }
    case ScalarType::number: {
      const double value = as_number();
      if (!std::isfinite(value))
        throw ConfigError(mark_of(*this, file), str("a number must be finite, not ", text.substr(0, 40)));
      return value;
    }
    case ScalarType::text:
      break;
  }
  return text;
}

Node Node::scalar(std::string text, bool quoted) {
  Node node;
  node.kind = Kind::scalar;
  node.quoted = quoted;
  node.text = std::move(text);
  return node;
}

Node Node::from_json(const Json& value, int line, int column) {
  Node node;
  if (value.is_object()) {
    node.kind = Kind::mapping;
    for (const auto& [key, below] : value.items()) {
      Node name = scalar(key, true);
      name.line = line, name.column = column;
      node.entries.emplace_back(std::move(name), from_json(below, line, column));
    }
  } else if (value.is_array()) {
    node.kind = Kind::sequence;
    for (const auto& item : value) node.items.push_back(from_json(item, line, column));
  } else if (value.is_string()) {
    node = scalar(value.get<std::string>(), true);
  } else if (!value.is_null()) {
    node = scalar(value.dump(), false);
  }
  node.line = line, node.column = column;
  return node;
}

Mark mark_of(const Node& node, const std::string& file, std::size_t offset) {
  if (node.option) return {*node.option, 0, 0};
  Mark mark{file, node.line, node.column};
  if (node.verbatim && offset) {
    const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
    const auto begin = node.text.begin();
    const auto bytes = static_cast<std::ptrdiff_t>(std::min(offset, node.text.size()));
    mark.column +=
        static_cast<int>(bytes - std::count_if(begin, begin + bytes, continues)) + (node.quoted ? 1 : 0);
  }
  return mark;
}

std::string shown(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::sequence:
      return "a list";
    case Node::Kind::mapping:
      return "a mapping";
    case Node::Kind::scalar:
      break;
  }
  if (node.quoted || node.scalar_type() == Node::ScalarType::text || node.text.size() > 60)
    return in_quotes(node.text);
  return node.text;
}

std::string read_configuration(const std::string& path, std::size_t limit) {
  struct stat found {};
  // O_NONBLOCK: opening a FIFO that nobody writes to must not wait.
  if (stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      throw Error(ExitStatus::configuration, str(in_quotes(path), " does not exist"));
    throw system_error("cannot look at", path, errno);
  }
  if (S_ISDIR(found.st_mode)) throw Error(ExitStatus::configuration, str(path, " is a folder, not a file"));
  File file(path, O_RDONLY | O_NONBLOCK);
  if (fstat(file.fd(), &found) != 0) throw system_error("cannot look at", path, errno);
  if (!S_ISREG(found.st_mode)) throw Error(ExitStatus::configuration, str(path, " is not a regular file"));
  const auto too_large = [&](double bytes) {
    return Error(ExitStatus::configuration, str(path, " has ", human_bytes(bytes), "; ",
                                                human_bytes(static_cast<double>(limit)), " are the most"));
  };
  if (static_cast<std::uint64_t>(found.st_size) > limit) throw too_large(static_cast<double>(found.st_size));
  std::string text(static_cast<std::size_t>(found.st_size), '\0');
  std::size_t have = 0;
  for (;;) {
    if (have == text.size()) text.resize(have + 4096);  // it may have grown, and the end must be seen
    const std::size_t got = file.read_some(text.data() + have, text.size() - have);
    have += got;
    if (have > limit) throw too_large(static_cast<double>(have));
    if (got == 0) break;
  }
  text.resize(have);
  return text;
}

Node load_yaml(const std::string& path, const YamlLimits& limits) {
  return parse_yaml(read_configuration(path, limits.bytes), path, limits);
}

}  // namespace rankflow
