#include "io/expression_evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/heavy/table_fixture.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EvaluateTest : public CsvTest {
 protected:
  EvaluateTest() : table_(table("i,r,s,b,odd name\n7,1.5,Ab,true,1\n-7,-2.5,cd,false,2\nNA,NA,NA,NA,3\n")) {}

  std::vector<double> run(const std::string& source) {
    Table copy = table_;
    copy.add("result", evaluate(parse_expression(source), source, table_));
    return numbers(copy, "result");
  }
  std::string fails(const std::string& source, ExitStatus status = ExitStatus::configuration) {
    return message_of(status, [&] { evaluate(parse_expression(source), source, table_); });
  }
  Table table_;
};

MATCHER_P2(AreTwoAndMissing, a, b, "") {
  return arg[0] == a && arg[1] == b && std::isnan(arg[2]);
}

TEST_F(EvaluateTest, ArithmeticFollowsC) {
  EXPECT_THAT(run("i / 2"), AreTwoAndMissing(3, -3));
  EXPECT_THAT(run("i % 3"), AreTwoAndMissing(1, -1));
  EXPECT_THAT(run("i / 2.0"), AreTwoAndMissing(3.5, -3.5));
  EXPECT_THAT(run("r % 1"), AreTwoAndMissing(0.5, -0.5));
  EXPECT_THAT(run("-i + 2 * 3"), AreTwoAndMissing(-1, 13));
}

TEST_F(EvaluateTest, Functions) {
  EXPECT_THAT(run("abs(i)"), AreTwoAndMissing(7, 7));
  EXPECT_THAT(run("round(r)"), AreTwoAndMissing(2, -3));
  EXPECT_THAT(run("floor(r) + ceil(r)"), AreTwoAndMissing(3, -5));
  EXPECT_THAT(run("min(i, r) + max(i, 0)"), AreTwoAndMissing(8.5, -7));
  EXPECT_THAT(run("sqrt(i * i)"), AreTwoAndMissing(7, 7));
  EXPECT_THAT(run("log(exp(r))"), AreTwoAndMissing(1.5, -2.5));
  EXPECT_THAT(run("log1p(i - i)"), AreTwoAndMissing(0, 0));
  EXPECT_THAT(run("length(upper(s))"), AreTwoAndMissing(2, 2));
  EXPECT_THAT(run("length(replace(s, 'A', '---'))"), AreTwoAndMissing(4, 2));
  EXPECT_THAT(run("if(contains(s, 'b'), 1, 0)"), AreTwoAndMissing(1, 0));
  EXPECT_THAT(run("if(lower(s) == 'ab', i, r)"), AreTwoAndMissing(7, -2.5));
  EXPECT_THAT(run("is_missing(i)"), ElementsAre(0, 0, 1));
  EXPECT_THAT(run("`odd name` * 2"), ElementsAre(2, 4, 6));
  EXPECT_THAT(run("1 + 1"), ElementsAre(2, 2, 2));
}

TEST_F(EvaluateTest, ConversionsAndDates) {
  EXPECT_THAT(run("integer(r)"), AreTwoAndMissing(1, -2));
  EXPECT_THAT(run("real(text(i)) / 2"), AreTwoAndMissing(3.5, -3.5));
  EXPECT_THAT(run("year('2024-05-31') * 100 + month('2024-05-31')"), ElementsAre(202405, 202405, 202405));
  EXPECT_THAT(run("weekday('2024-05-31 23:59:00') + hour('2024-05-31 23:59:00')"), ElementsAre(28, 28, 28));
  EXPECT_THAT(run("timestamp('1970-01-02')"), ElementsAre(86400, 86400, 86400));
  EXPECT_THAT(run("hour('2024-05-31 23:59:00.000000') + second('1600-05-31T23:59:07.123456789')"),
              ElementsAre(30, 30, 30));
  EXPECT_THAT(run("hour('2024-05-31T23:59:00.5+02:00') * 100 + day('2024-05-31 23:59:00-1200')"),
              ElementsAre(2331, 2331, 2331));
  EXPECT_THAT(run("timestamp('1970-01-01T02:00:00.5+02:00') + timestamp('1970-01-02T00:00:00Z')"),
              ElementsAre(86400, 86400, 86400));
  EXPECT_THAT(run("timestamp('1969-12-31 20:30:00-03:30')"), ElementsAre(0, 0, 0));
  EXPECT_THAT(fails("hour('2024-05-31 23:59:00.+1')", ExitStatus::bad_data), HasSubstr("is no date or time"));
  EXPECT_THAT(fails("hour(lower(s))", ExitStatus::bad_data), HasSubstr("row 1: \"ab\" is no date or time"));
  EXPECT_THAT(fails("integer(s)", ExitStatus::bad_data), HasSubstr("as a scalar of type int64"));
  EXPECT_THAT(fails("year(i)"), HasSubstr("needs a text such as"));
}

TEST_F(EvaluateTest, ExamplesOfTheDocument) {
  for (const auto& [expression, value] : std::vector<std::pair<std::string, double>>{
           {"7 / 2", 3},
           {"-7 / 2", -3},
           {"-7 % 3", -1},
           {"real(7) / 2", 3.5},
           {"abs(-3)", 3},
           {"ceil(1.2)", 2},
           {"floor(-1.2)", -2},
           {"round(2.5)", 3},
           {"round(-2.5)", -3},
           {"integer(-2.7)", -2},
           {"integer('12') + integer(true)", 13},
           {"if(text(12) = '12' and text(true) = 'true', 1, 0)", 1},
           {"if('it''s' < 'it~' and false < true, 1, 0)", 1},
           {"length('größe')", 5},
           {"if(trim(' a ') = 'a', 1, 0)", 1},
           {"real(replace('1,5', ',', '.'))", 1.5},
           {"if(contains('abc', 'b') and starts_with('abc', 'ab') and ends_with('abc', 'bc'), 1, 0)", 1},
           {"if(contains('abc', 'd') or starts_with('abc', 'b') or ends_with('abc', 'b'), 1, 0)", 0},
           {"if(left('größe', 3) = 'grö' and right('größe', 2) = 'ße' and right('abc', 9) = 'abc', 1, 0)", 1},
           {"length(left('abc', 0)) + length(right('abc', 0))", 0},
           {"month('2024-05-31')", 5},
           {"hour('2024-05-31 23:59')", 23},
           {"hour('2024-05-31')", 0},
           {"weekday('2024-05-31')", 5},
           {"yearday('2024-02-01')", 32},
           {"if(1.0 / 0 > 1e308, 1, 0)", 1},
           {"if(is_missing(0.0 / 0) and is_missing(log(-1)), 1, 0)", 1}})
    EXPECT_THAT(run(expression), ElementsAre(value, value, value)) << expression;
  EXPECT_TRUE(std::isnan(run("max(i, 0)")[2]));
  EXPECT_TRUE(std::isnan(run("if(i > 0, 1, 2)")[2]));
  EXPECT_EQ(run("if(r > 100, i, 2)")[0], 2);
}

TEST_F(CsvTest, OddNamesAreSaidToNeedBackticks) {
  const Table t = table("petal,petal-width\n1,2\n");
  EXPECT_EQ(message_of(ExitStatus::configuration, [&] { evaluate(parse_expression("a"), "a", t); })
                .find("backticks"),
            std::string::npos);
  const std::string source = "2 * petal-widths";
  EXPECT_THAT(message_of(ExitStatus::configuration, [&] { evaluate(parse_expression(source), source, t); }),
              HasSubstr("no column \"widths\"; in backticks, `petal-width` is a column"));
  const Table odd = table("x,petal-width\n1,2\n");
  EXPECT_THAT(message_of(ExitStatus::configuration, [&] { evaluate(parse_expression(source), source, odd); }),
              HasSubstr("no column \"petal\"; in backticks, `petal-width` is a column"));
}

TEST_F(EvaluateTest, LogicKnowsMissingValues) {
  EXPECT_THAT(run("i > 0"), AreTwoAndMissing(1, 0));
  EXPECT_THAT(run("i > 0 or true"), ElementsAre(1, 1, 1));
  EXPECT_THAT(run("not b and s != 'x'"), AreTwoAndMissing(0, 1));
}

TEST_F(EvaluateTest, ErrorsShowThePlace) {
  EXPECT_THAT(fails("1 + rr"), HasSubstr("no column \"rr\" (did you mean \"r\"?)\n  1 + rr\n      ^"));
  EXPECT_THAT(fails("odd name"),
              HasSubstr("\"name\" is not expected here; a column whose name has blanks or signs"));
  EXPECT_THAT(fails("i == b"), HasSubstr("integer can't be compared with a boolean"));
  EXPECT_THAT(fails("b + 1"), HasSubstr("needs a number"));
  EXPECT_THAT(fails("i and b"), HasSubstr("needs true or false"));
  EXPECT_THAT(fails("upper(i)"), HasSubstr("needs a text"));
  EXPECT_THAT(fails("contains(s, s)"),
              HasSubstr("contains needs a text in quotes here, the same for all rows"));
  EXPECT_THAT(fails("left(s, 1.5)"), HasSubstr("left needs a whole number here"));
  EXPECT_THAT(fails("replace(s, '', 'x')"), HasSubstr("nothing can't be replaced"));
  EXPECT_THAT(fails("if(b, 1, 'x')"), HasSubstr("can't give"));
  EXPECT_THAT(fails("s + 1", ExitStatus::bad_data), HasSubstr("row 1: column \"s\": \"Ab\" is no number"));
  EXPECT_THAT(fails("s > 1", ExitStatus::bad_data), HasSubstr("row 1: column \"s\": \"Ab\" is no number"));
  EXPECT_THAT(fails("i / (i - i)", ExitStatus::bad_data), HasSubstr("divide by zero"));
  EXPECT_THAT(fails("i * 9223372036854775807", ExitStatus::bad_data), HasSubstr("overflow"));
}

}  // namespace
}  // namespace rankflow
