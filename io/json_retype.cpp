#include "io/json_retype.h"

#include <algorithm>

#include "io/json.h"

namespace rankflow {
namespace {

bool is_number(std::string_view token) {
  return !token.empty() && (token.front() == '-' || (token.front() >= '0' && token.front() <= '9')) &&
         Json::accept(token.begin(), token.end());
}

bool is_truth(std::string_view token) {
  return token == "true" || token == "false";
}

/// A value as `type` asks for it; itself where it is that, or can't be.
std::string retyped(std::string_view token, ColumnType type) {
  const bool quoted = token.size() >= 2 && token.front() == '"' && token.back() == '"';
  const std::string_view inside = quoted ? token.substr(1, token.size() - 2) : std::string_view();
  switch (type) {
    case ColumnType::text:
      if (is_number(token) || is_truth(token)) return '"' + std::string(token) + '"';
      break;
    case ColumnType::integer:
    case ColumnType::real:
      if (quoted && is_number(inside)) return std::string(inside);
      break;
    case ColumnType::boolean:
      if (quoted && is_truth(inside)) return std::string(inside);
      if (token == "0" || inside == "0") return "false";
      if (token == "1" || inside == "1") return "true";
      break;
  }
  return std::string(token);
}

/// One line, copied from left to right.
class Line {
 public:
  Line(std::string_view text, const std::map<std::string, ColumnType>& types) : text_(text), types_(types) {}

  std::string retyped() {
    if (next() == '{') object();
    return out_ + std::string(text_.substr(at_));
  }

 private:
  /// The next character that is no blank, left where it is; 0 at the end.
  char next() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      out_ += text_[at_++];
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  /// Takes that character where it is `expected`.
  bool take(char expected) {
    if (next() != expected) return false;
    out_ += text_[at_++];
    return true;
  }

  void object() {
    take('{');
    do {
      if (next() != '"') return;
      const std::string_view key = value();
      out_ += key;
      const Json name = Json::parse(key.begin(), key.end(), nullptr, false);
      if (!name.is_string() || !take(':')) return;
      next();
      const std::string_view token = value();
      const auto type = types_.find(name.get<std::string>());
      out_ += type == types_.end() ? std::string(token) : rankflow::retyped(token, type->second);
    } while (take(','));
  }

  /// A string, object, array or word, whole; moves behind it.
  std::string_view value() {
    const std::size_t begin = at_;
    int depth = 0;
    do {
      if (at_ >= text_.size()) break;
      const char c = text_[at_];
      if (c == '"') {
        string();
        continue;
      }
      if (depth == 0 && (c == ',' || c == '}' || c == ']' || c == ':')) break;
      depth += c == '{' || c == '[' ? 1 : c == '}' || c == ']' ? -1 : 0;
      ++at_;
      if (depth == 0 && (c == '}' || c == ']')) break;
    } while (depth > 0 || (text_[begin] != '"' && at_ < text_.size() && !ends_word(text_[at_])));
    return text_.substr(begin, at_ - begin);
  }
  static bool ends_word(char c) { return std::string_view(",}] \t\r\n").find(c) != std::string_view::npos; }
  void string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) at_ += text_[at_] == '\\' ? 1 : 0;
    at_ = std::min(at_ + 1, text_.size());
  }

  std::string_view text_;
  const std::map<std::string, ColumnType>& types_;
  std::size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string retyped_lines(std::string_view lines, const std::map<std::string, ColumnType>& types) {
  std::string all;
  for (std::size_t begin = 0; begin < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', begin), lines.size() - 1) + 1;
    all += Line(lines.substr(begin, end - begin), types).retyped();
    begin = end;
  }
  return all;
}

}  // namespace rankflow
