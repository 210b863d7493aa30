#include "io/expression.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"

namespace rankflow {
namespace {

// Far more than a person writes, little enough that neither the stack nor the memory of a rank is in danger.
constexpr std::size_t longest = 10'000;
constexpr int deepest = 100;

const std::map<std::string, std::size_t>& functions() {
  static const std::map<std::string, std::size_t> arity{
      {"abs", 1},         {"ceil", 1},      {"day", 1},       {"exp", 1},        {"floor", 1},
      {"hour", 1},        {"if", 3},        {"integer", 1},   {"is_missing", 1}, {"length", 1},
      {"log", 1},         {"log1p", 1},     {"lower", 1},     {"max", 2},        {"min", 2},
      {"minute", 1},      {"month", 1},     {"real", 1},      {"round", 1},      {"second", 1},
      {"sqrt", 1},        {"text", 1},      {"timestamp", 1}, {"upper", 1},      {"weekday", 1},
      {"year", 1},        {"yearday", 1},   {"trim", 1},      {"replace", 3},    {"contains", 2},
      {"starts_with", 2}, {"ends_with", 2}, {"left", 2},      {"right", 2}};
  return arity;
}

struct Token {
  enum class Kind { end, number, text, name, quoted_name, symbol };
  Kind kind = Kind::end;
  std::string text;
  std::size_t offset = 0;
};

class Lexer {
 public:
  explicit Lexer(const std::string& source) : source_(source) {}

  Token next() {
    while (at_ < source_.size() && std::isspace(static_cast<unsigned char>(source_[at_]))) ++at_;
    if (at_ == source_.size()) return {Token::Kind::end, "", at_};
    const char c = source_[at_];
    if (c == '\'') return quoted(Token::Kind::text);
    if (c == '`') return quoted(Token::Kind::quoted_name);
    if (digit(c) || (c == '.' && at_ + 1 < source_.size() && digit(source_[at_ + 1]))) return number();
    if (letter(c)) return word();
    return symbol();
  }

 private:
  static bool digit(char c) { return c >= '0' && c <= '9'; }
  // Bytes of UTF-8 beyond ASCII count as letters, so that `größe` is a name.
  static bool letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || (c & 0x80); }

  Token quoted(Token::Kind kind) {
    const std::size_t start = at_;
    const char quote = source_[at_++];
    std::string text;
    for (;; ++at_) {
      if (at_ == source_.size()) throw expression_error(source_, start, "this quote is not closed");
      if (source_[at_] != quote) {
        text += source_[at_];
      } else if (at_ + 1 < source_.size() && source_[at_ + 1] == quote) {
        text += source_[at_++];
      } else {
        ++at_;
        return {kind, text, start};
      }
    }
  }

  Token number() {
    const std::size_t start = at_;
    while (at_ < source_.size() && (digit(source_[at_]) || source_[at_] == '.')) ++at_;
    if (at_ < source_.size() && (source_[at_] == 'e' || source_[at_] == 'E')) {
      ++at_;
      if (at_ < source_.size() && (source_[at_] == '+' || source_[at_] == '-')) ++at_;
      while (at_ < source_.size() && digit(source_[at_])) ++at_;
    }
    if (at_ < source_.size() && letter(source_[at_])) {
      throw expression_error(source_, start, "a name can't start with a digit; put odd names in backticks");
    }
    return {Token::Kind::number, source_.substr(start, at_ - start), start};
  }

  Token word() {
    const std::size_t start = at_;
    while (at_ < source_.size() && (letter(source_[at_]) || digit(source_[at_]))) ++at_;
    return {Token::Kind::name, source_.substr(start, at_ - start), start};
  }

  Token symbol() {
    const std::size_t start = at_;
    for (const char* two : {"==", "!=", "<=", ">="}) {
      if (source_.compare(at_, 2, two) == 0) {
        at_ += 2;
        return {Token::Kind::symbol, two, start};
      }
    }
    return {Token::Kind::symbol, std::string(1, source_[at_++]), start};
  }

  const std::string& source_;
  std::size_t at_ = 0;
};

/// Recursive descent, one function per level of precedence from `or` down to a value.
class Parser {
 public:
  explicit Parser(const std::string& source) : source_(source), lexer_(source) { advance(); }

  Expression parse() {
    Expression result = alternative();
    if (token_.kind != Token::Kind::end) {
      const bool symbol = token_.kind == Token::Kind::symbol;
      fail(str("\"", token_.text, "\" is not expected here",
               symbol ? "" : "; a column whose name has blanks or signs is written in backticks"));
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& message) const {
    throw expression_error(source_, token_.offset, message);
  }
  void advance() { token_ = lexer_.next(); }
  bool is(Token::Kind kind, std::string_view text) const {
    return token_.kind == kind && token_.text == text;
  }
  bool accept(std::string_view symbol) {
    if (!is(Token::Kind::symbol, symbol)) return false;
    advance();
    return true;
  }
  void expect(std::string_view symbol) {
    if (!accept(symbol)) fail(str("\"", symbol, "\" is expected here"));
  }

  static Expression call(std::string name, std::vector<Expression> arguments, std::size_t offset) {
    Expression e{Expression::Kind::call};
    e.name = std::move(name);
    e.arguments = std::move(arguments);
    e.offset = offset;
    return e;
  }

  /// The token's operator if it is one of `names`, else nothing.
  std::optional<std::string> one_of(Token::Kind kind, std::initializer_list<const char*> names) const {
    for (const char* name : names) {
      if (is(kind, name)) return name;
    }
    return std::nullopt;
  }

  Expression left_associative(Token::Kind kind, std::initializer_list<const char*> operators,
                              Expression (Parser::*operand)()) {
    Expression left = (this->*operand)();
    int chained = 0;
    while (auto op = one_of(kind, operators)) {
      // A chain makes the tree as deep as it is long.
      if (++chained + depth_ > deepest) fail("the expression is too deep");
      const std::size_t offset = token_.offset;
      advance();
      Expression right = (this->*operand)();
      left = call(*op, {std::move(left), std::move(right)}, offset);
    }
    return left;
  }

  Expression alternative() { return left_associative(Token::Kind::name, {"or"}, &Parser::conjunction); }
  Expression conjunction() { return left_associative(Token::Kind::name, {"and"}, &Parser::negation); }

  Expression negation() {
    if (!is(Token::Kind::name, "not")) return comparison();
    const Deeper deeper(*this);
    const std::size_t offset = token_.offset;
    advance();
    return call("not", {negation()}, offset);
  }

  Expression comparison() {
    Expression left = sum();
    auto op = one_of(Token::Kind::symbol, {"==", "=", "!=", "<=", ">=", "<", ">"});
    if (!op) return left;
    const std::size_t offset = token_.offset;
    advance();
    Expression right = sum();
    if (one_of(Token::Kind::symbol, {"==", "=", "!=", "<=", ">=", "<", ">"})) {
      fail("comparisons can't be chained; join them with \"and\"");
    }
    return call(*op == "=" ? "==" : *op, {std::move(left), std::move(right)}, offset);
  }

  Expression sum() { return left_associative(Token::Kind::symbol, {"+", "-"}, &Parser::product); }
  Expression product() {
    return left_associative(Token::Kind::symbol, {"*", "/", "%"}, &Parser::signed_value);
  }

  Expression signed_value() {
    if (!is(Token::Kind::symbol, "-")) return value();
    const Deeper deeper(*this);
    const std::size_t offset = token_.offset;
    advance();
    return call("negate", {signed_value()}, offset);
  }

  Expression value() {
    const Deeper deeper(*this);
    const Token token = token_;
    switch (token.kind) {
      case Token::Kind::number:
        advance();
        return number(token);
      case Token::Kind::text:
        advance();
        return named(Expression::Kind::text, token);
      case Token::Kind::quoted_name:
        advance();
        return named(Expression::Kind::column, token);
      case Token::Kind::name:
        return name_or_call();
      case Token::Kind::end:
        fail("the expression ends too early");
      case Token::Kind::symbol:
        break;
    }
    if (!accept("(")) fail(str("a value is expected here, not \"", token.text, "\""));
    Expression inner = alternative();
    expect(")");
    return inner;
  }

  Expression name_or_call() {
    const Token token = token_;
    advance();
    if (is(Token::Kind::symbol, "(")) return function(token);
    if (token.text == "and" || token.text == "or" || token.text == "not") {
      throw expression_error(source_, token.offset,
                             str("a value is expected here, not \"", token.text, "\""));
    }
    if (token.text != "true" && token.text != "false") return named(Expression::Kind::column, token);
    Expression e = named(Expression::Kind::boolean, token);
    e.integer = token.text == "true";
    return e;
  }

  Expression function(const Token& token) {
    auto it = functions().find(token.text);
    if (it == functions().end()) {
      std::vector<std::string> names;
      for (const auto& [name, arity] : functions()) names.push_back(name);
      throw expression_error(source_, token.offset,
                             str("no function \"", token.text, "\"", did_you_mean(token.text, names)));
    }
    expect("(");
    std::vector<Expression> arguments{alternative()};
    while (accept(",")) arguments.push_back(alternative());
    expect(")");
    if (arguments.size() != it->second) {
      throw expression_error(source_, token.offset,
                             str(token.text, " takes ", it->second, " arguments, not ", arguments.size()));
    }
    return call(token.text, std::move(arguments), token.offset);
  }

  Expression number(const Token& token) const {
    Expression e{Expression::Kind::integer};
    e.offset = token.offset;
    const char *begin = token.text.data(), *end = begin + token.text.size();
    if (auto [stop, error] = std::from_chars(begin, end, e.integer); error == std::errc() && stop == end)
      return e;
    e.kind = Expression::Kind::real;
    if (auto [stop, error] = std::from_chars(begin, end, e.real); error == std::errc() && stop == end)
      return e;
    throw expression_error(source_, token.offset, str("\"", token.text, "\" is no number"));
  }

  static Expression named(Expression::Kind kind, const Token& token) {
    Expression e{kind};
    e.name = token.text;
    e.offset = token.offset;
    return e;
  }

  /// Counts nesting while it lives.
  struct Deeper {
    explicit Deeper(Parser& p) : parser(p) {
      if (++parser.depth_ > deepest) parser.fail("the expression is too deep");
    }
    ~Deeper() { --parser.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
    Parser& parser;
  };

  const std::string& source_;
  Lexer lexer_;
  Token token_;
  int depth_ = 0;
};

void collect_columns(const Expression& e, std::vector<std::string>& names) {
  if (e.kind == Expression::Kind::column && std::find(names.begin(), names.end(), e.name) == names.end()) {
    names.push_back(e.name);
  }
  for (const Expression& argument : e.arguments) collect_columns(argument, names);
}

}  // namespace

Error expression_error(const std::string& source, std::size_t offset, const std::string& message,
                       ExitStatus status) {
  // A caret under UTF-8 stands right when continuation bytes are not counted.
  const auto characters = std::count_if(source.begin(), source.begin() + static_cast<std::ptrdiff_t>(offset),
                                        [](char c) { return (c & 0xC0) != 0x80; });
  return Error(
      status, str("in the expression: ", message, "\n  ", source, "\n  ", std::string(characters, ' '), "^"));
}

Expression parse_expression(const std::string& source) {
  if (source.size() > longest) {
    throw Error(ExitStatus::configuration,
                str("an expression of ", source.size(), " characters; at most ", longest, " are allowed"));
  }
  return Parser(source).parse();
}

std::vector<std::string> columns_of(const Expression& expression) {
  std::vector<std::string> names;
  collect_columns(expression, names);
  return names;
}

std::string backticks_hint(const std::string& source, std::size_t offset,
                           const std::vector<std::string>& columns) {
  std::string found;
  for (const std::string& name : columns) {
    const bool odd = std::any_of(name.begin(), name.end(), [](char c) {
      return !std::isalnum(static_cast<unsigned char>(c)) && c != '_' && (c & 0x80) == 0;
    });
    if (!odd || name.size() <= found.size()) continue;
    for (std::size_t at = source.find(name); at <= offset && at != std::string::npos;
         at = source.find(name, at + 1)) {
      if (offset < at + name.size()) found = name;
    }
  }
  return found.empty() ? "" : str("; in backticks, `", found, "` is a column");
}

std::vector<NamedExpression> in_order_of_dependence(std::vector<NamedExpression> expressions) {
  std::map<std::string, NamedExpression> waiting;
  for (NamedExpression& e : expressions) waiting.emplace(e.name, std::move(e));
  std::vector<NamedExpression> ordered;
  while (!waiting.empty()) {
    auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const auto& entry) {
      const auto columns = columns_of(entry.second.expression);
      return std::none_of(columns.begin(), columns.end(),
                          [&](const std::string& c) { return waiting.count(c) > 0; });
    });
    if (ready == waiting.end()) {
      for (const auto& [name, e] : waiting) {
        const auto columns = columns_of(e.expression);
        if (std::count(columns.begin(), columns.end(), name))
          throw Error(ExitStatus::configuration,
                      str("the derived column ", in_quotes(name), " is made from a column of the same name"),
                      str("give it another name, such as ", name, "_2"));
      }
      std::vector<std::string> names;
      for (const auto& [name, e] : waiting) names.push_back(name);
      throw Error(ExitStatus::configuration,
                  str("derived columns need each other in a circle, among ", join(names, ", ")));
    }
    ordered.push_back(std::move(ready->second));
    waiting.erase(ready);
  }
  return ordered;
}

}  // namespace rankflow
