#include "io/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The tree as text with every operation in parentheses.
std::string tree(const Expression& e) {
  switch (e.kind) {
    case Expression::Kind::integer:
      return str(e.integer);
    case Expression::Kind::real:
      return str(e.real);
    case Expression::Kind::boolean:
      return e.integer ? "true" : "false";
    case Expression::Kind::text:
      return str("'", e.name, "'");
    case Expression::Kind::column:
      return e.name;
    case Expression::Kind::call:
      break;
  }
  std::string out = str("(", e.name);
  for (const auto& a : e.arguments) out += " " + tree(a);
  return out + ")";
}
std::string parsed(const std::string& source) {
  return tree(parse_expression(source));
}

std::string message_of(const std::string& source) {
  try {
    parse_expression(source);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::configuration);
    return e.message();
  }
  return "no error";
}

TEST(Expression, PrecedenceIsThatOfArithmetic) {
  EXPECT_EQ(parsed("a + b * 2"), "(+ a (* b 2))");
  EXPECT_EQ(parsed("a - b - c"), "(- (- a b) c)");
  EXPECT_EQ(parsed("date / 100 % 100"), "(% (/ date 100) 100)");
  EXPECT_EQ(parsed("not a > 1 and b == 2 or c"), "(or (and (not (> a 1)) (== b 2)) c)");
  EXPECT_EQ(parsed("-a * -(b + 1)"), "(* (negate a) (negate (+ b 1)))");
  EXPECT_EQ(parsed("if(x = 'it''s', .5, 1e3)"), "(if (== x 'it's') 0.5 1000)");
  EXPECT_EQ(parsed("`odd name!` != true"), "(!= odd name! true)");
}

TEST(Expression, IntegersBeyond64BitsAreReal) {
  EXPECT_EQ(parsed("99999999999999999999"), "1e+20");
}

TEST(Expression, ColumnsAreNamedOnceInOrder) {
  EXPECT_THAT(columns_of(parse_expression("b + min(a, b) * log(c)")), ElementsAre("b", "a", "c"));
}

TEST(Expression, ErrorsShowThePlace) {
  EXPECT_THAT(message_of("delay > > 15"),
              HasSubstr("a value is expected here, not \">\"\n  delay > > 15\n          ^"));
  EXPECT_THAT(message_of("sqr(x)"), HasSubstr("no function \"sqr\" (did you mean \"sqrt\"?)"));
  EXPECT_THAT(message_of("min(a)"), HasSubstr("min takes 2 arguments, not 1"));
  EXPECT_THAT(message_of("a 'b"), HasSubstr("not closed"));
  EXPECT_THAT(message_of("(a"), HasSubstr("\")\" is expected"));
  EXPECT_THAT(message_of("a b"), HasSubstr("\"b\" is not expected"));
  EXPECT_THAT(message_of(""), HasSubstr("ends too early"));
  EXPECT_THAT(message_of("1 < a < 3"), HasSubstr("chained"));
  EXPECT_THAT(message_of("1.2.3"), HasSubstr("no number"));
  EXPECT_THAT(message_of("a + and"), HasSubstr("not \"and\""));
  EXPECT_THAT(message_of("1e999"), HasSubstr("no number"));
}

TEST(Expression, DepthAndLengthAreBounded) {
  EXPECT_THAT(message_of(std::string(5000, '(') + "a" + std::string(4999, ')')), HasSubstr("too deep"));
  EXPECT_THAT(message_of(std::string(5000, '-') + "a"), HasSubstr("too deep"));
  std::string chain = "a";
  for (int i = 0; i < 4000; ++i) chain += "+a";
  EXPECT_THAT(message_of(chain), HasSubstr("too deep"));
  EXPECT_THAT(message_of(std::string(20'000, ' ')), HasSubstr("at most"));
}

std::vector<NamedExpression> named(std::vector<std::pair<std::string, std::string>> sources) {
  std::vector<NamedExpression> out;
  for (auto& [name, source] : sources) out.push_back({name, source, parse_expression(source)});
  return out;
}

TEST(Expression, DerivedColumnsComeAfterThoseTheyRead) {
  std::vector<std::string> order;
  for (const auto& e :
       in_order_of_dependence(named({{"a", "b + 1"}, {"b", "c * 2"}, {"c", "file"}, {"d", "1"}}))) {
    order.push_back(e.name);
  }
  EXPECT_THAT(order, ElementsAre("c", "b", "a", "d"));
}

TEST(Expression, ACircleIsRefusedByName) {
  try {
    in_order_of_dependence(named({{"a", "b"}, {"b", "a"}, {"c", "1"}}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr("among a, b"));
  }
}

}  // namespace
}  // namespace rankflow
