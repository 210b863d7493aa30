// The small language of `derive`, `filter` and `target`: a text such as `delay > 15` becomes a tree. No
// tables here, so that a pipeline's expressions are checked before anything runs; expression_evaluator.h
// computes them.
//
//   or, and, not        three-valued: missing or true is true, missing and false is false
//   = == != < <= > >=   numbers with numbers, texts with texts
//   + - * / %           integers stay integers: 7 / 2 is 3, -7 / 2 is -3, -7 % 3 is -1, as in C
//   name, `odd name`    a column
//   12, 1.5, 2e3, 'text', true, false
//   abs(x) ceil(x) exp(x) floor(x) if(condition, a, b) is_missing(x) length(text) log(x) log1p(x) lower(text)
//   max(a, b) min(a, b) round(x) sqrt(x) upper(text)
//   trim(text) replace(text, 'what', 'with') contains(text, 'what') starts_with(text, 'what') ends_with(text, 'what')
//   left(text, n) right(text, n)
//   integer(x) real(x) text(x)    conversions: a text that is no number is an error, reals are cut off
//   year(t) month(t) day(t) hour(t) minute(t) second(t) weekday(t) yearday(t) timestamp(t)
//                                 of a text such as 2024-05-31 or 2024-05-31 23:59:00.25+02:00: weekday 1 is
//                                 Monday, timestamp are seconds since 1970
//
// docs/expressions.md has all of it in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace rankflow {

struct Expression {
  enum class Kind { integer, real, boolean, text, column, call };

  Kind kind = Kind::integer;
  std::int64_t integer = 0;  // integer; boolean as 0 or 1
  double real = 0;           // real
  std::string name;  // text: itself; column: its name; call: the function or operator, "not", "negate"
  std::vector<Expression> arguments;  // call
  std::size_t offset = 0;             // in the source, for messages
};

/// Throws Error (configuration) that shows the source with a caret under the place.
Expression parse_expression(const std::string& source);

/// The columns that an expression reads, each once, in order of appearance.
std::vector<std::string> columns_of(const Expression& expression);

/// `message`, the source on a line of its own and a caret under `offset`.
Error expression_error(const std::string& source, std::size_t offset, const std::string& message,
                       ExitStatus status = ExitStatus::configuration);

/// "; in backticks, `petal-width` is a column" where the odd name of one of `columns` stands around `offset` in the source, which was
/// understood as petal - width; otherwise "".
std::string backticks_hint(const std::string& source, std::size_t offset,
                           const std::vector<std::string>& columns);

/// Names of expressions in an order in which each comes after those it reads (names alone count; columns of
/// the file are no dependencies), ties by name. Throws Error (configuration) naming the members of a cycle.
struct NamedExpression {
  std::string name;
  std::string source;
  Expression expression;
};
std::vector<NamedExpression> in_order_of_dependence(std::vector<NamedExpression> expressions);

}  // namespace rankflow
