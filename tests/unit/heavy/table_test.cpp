#include "io/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <numeric>

#include "io/expression_evaluator.h"
#include "io/file.h"
#include "io/table_input.h"
#include "tests/unit/light/temporary_folder.h"

namespace rankflow {
namespace {

void write_text(const std::string& path, const std::string& text) {
  write_file_atomically(path, text, false);
}

using ::testing::ElementsAre;
using ::testing::HasSubstr;

void put_gzip(const std::string& path, const std::string& content) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
  gzclose(file);
}

/// A whole table, on one rank.
Table read_table(const std::string& path, const TableOptions& options) {
  const TemporaryFolder scratch;
  const auto alone = make_self_communicator();
  TableInput input(*alone, path, options, scratch / "scratch");
  input.settle(*alone, {}, 1 << 30);
  return input.whole();
}

TableOptions defaults() {
  TableOptions options;
  options.missing = {"", "NA"};
  return options;
}

std::vector<double> numbers(const Table& table, const std::string& name) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  std::vector<double> out(rows.size());
  gather_numbers(*table.at(name), rows, out.data());
  return out;
}

template <typename Work>
std::string message_of(ExitStatus expected, Work work) {
  try {
    work();
  } catch (const Error& e) {
    EXPECT_EQ(code(e.status()), code(expected)) << e.message();
    return e.message();
  }
  return "no error";
}

class CsvTest : public ::testing::Test {
 protected:
  std::string error(const std::string& content, const TableOptions& options = defaults()) {
    write_text(folder_ / "a.csv", content);
    return message_of(ExitStatus::bad_data, [&] { read_table(folder_ / "a.csv", options); });
  }
  Table table(const std::string& content, const TableOptions& options = defaults()) {
    write_text(folder_ / "a.csv", content);
    return read_table(folder_ / "a.csv", options);
  }
  TemporaryFolder folder_;
};

TEST_F(CsvTest, TypesAreFoundByLooking) {
  const Table t = table("i,r,b,s,none,day\n1,1.5,true,x,,2001-01-01\nNA,2,false,NA,NA,2001-01-02\n");
  EXPECT_EQ(t.rows(), 2);
  EXPECT_THAT(t.names(), ElementsAre("i", "r", "b", "s", "none", "day"));
  EXPECT_EQ(t.type("i"), ColumnType::integer);
  EXPECT_EQ(t.type("r"), ColumnType::real);
  EXPECT_EQ(t.type("b"), ColumnType::boolean);
  EXPECT_EQ(t.type("s"), ColumnType::text);
  EXPECT_EQ(t.type("none"), ColumnType::real);
  EXPECT_THAT(categories_of(*t.at("day")).names, ElementsAre("2001-01-01", "2001-01-02"));
  EXPECT_EQ(numbers(t, "i")[0], 1);
  EXPECT_TRUE(std::isnan(numbers(t, "i")[1]));
  EXPECT_THAT(categories_of(*t.at("s")).codes, ElementsAre(0, -1));
}

TEST_F(CsvTest, CategoriesAreSortedNumbersByValue) {
  const Table t = table("n,s\n10,b\n9,a\n10,c\n-1,b\n");
  EXPECT_THAT(categories_of(*t.at("n")).names, ElementsAre("-1", "9", "10"));
  EXPECT_THAT(categories_of(*t.at("n")).codes, ElementsAre(2, 1, 2, 0));
  EXPECT_THAT(categories_of(*t.at("s")).names, ElementsAre("a", "b", "c"));
}

TEST_F(CsvTest, GzipAndHeaderlessFilesAreRead) {
  TableOptions options = defaults();
  options.header = false;
  put_gzip(folder_ / "a.csv.gz", "1,2\n3,4\n");
  EXPECT_THAT(read_table(folder_ / "a.csv.gz", options).names(), ElementsAre("c0", "c1"));
  options.columns = {"x", "y"};
  EXPECT_THAT(numbers(read_table(folder_ / "a.csv.gz", options), "y"), ElementsAre(2, 4));
}

TEST_F(CsvTest, AFolderIsJoinedInTheOrderOfNames) {
  write_text(folder_ / "b.csv", "x,s\n2.5,007\n");
  put_gzip(folder_ / "a.csv.gz", "x,s\n1,x\n");
  write_text(folder_ / "notes.txt", "not data");
  const Table t = read_table(folder_.path(), defaults());
  EXPECT_THAT(numbers(t, "x"), ElementsAre(1, 2.5));
  EXPECT_THAT(categories_of(*t.at("s")).names,
              ElementsAre("007", "x"));  // text in one file: text in all, as it was
  EXPECT_THAT(t.place(1), HasSubstr("b.csv: row 1"));
}

TEST_F(CsvTest, WrongFilesAreRefusedByNameAndRow) {
  EXPECT_THAT(error("a,b\n1,2\n3,4,5\n"), HasSubstr("a.csv: row 2 has 3 columns, not 2: 3,4,5"));
  EXPECT_THAT(error(""), HasSubstr("a.csv is empty"));
  EXPECT_THAT(error("a,b\n"), HasSubstr("no rows"));
  EXPECT_THAT(error("a,a\n1,2\n"), HasSubstr("two columns are called \"a\""));
  EXPECT_THAT(error("a,\n1,2\n"), HasSubstr("no name"));
  EXPECT_THAT(error("a\n\xff\xfe\n"), HasSubstr("a.csv: row 1: column \"a\" is not UTF-8 text"));
  write_text(folder_ / "b.csv", "other\n1\n");
  write_text(folder_ / "a.csv", "a\n1\n");
  EXPECT_THAT(message_of(ExitStatus::bad_data, [&] { read_table(folder_.path(), defaults()); }),
              HasSubstr("b.csv: column 1 is \"other\", but "));
  EXPECT_THAT(message_of(ExitStatus::io, [&] { read_table(folder_ / "missing.csv", defaults()); }),
              HasSubstr("missing.csv"));
}

TEST_F(CsvTest, ALateBadRowIsNamedThoughThreadsReadBlocks) {
  std::string text = "a,b\n";
  for (int i = 0; i < 400'000; ++i) text += "12345,67890\n";
  EXPECT_THAT(error(text + "1,2,3\n"), HasSubstr("row 400001 has 3 columns"));
}

TEST_F(CsvTest, EveryTruncationOfAGzipFileIsRefused) {
  std::string text = "a,b\n";
  for (int i = 0; i < 500; ++i) text += std::to_string(i * 7919) + ",x\n";
  put_gzip(folder_ / "a.csv.gz", text);
  const std::string whole = read_file(folder_ / "a.csv.gz");
  for (std::size_t size = 2; size < whole.size(); size += 13) {
    write_text(folder_ / "a.csv.gz", whole.substr(0, size));
    EXPECT_THAT(message_of(ExitStatus::bad_data, [&] { read_table(folder_ / "a.csv.gz", defaults()); }),
                HasSubstr("a.csv.gz"))
        << size;
  }
}

TEST_F(CsvTest, QuotedLineEndsBelongToTheirCell) {
  std::string text = "a,b\n";
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + ",\"x\ny, \"\"z\"\"\"\n";
  TableOptions options = defaults();
  options.piece_bytes = 10'000;
  const Table t = table(text, options);
  EXPECT_EQ(t.rows(), 100'000);
  EXPECT_EQ(numbers(t, "a")[99'999], 99'999);
  EXPECT_THAT(categories_of(*t.at("b")).names, ElementsAre("x\ny, \"z\""));
  EXPECT_THAT(error(text + "1,\"open\n2,3\n", options), HasSubstr("or after it is never closed"));
}

TEST_F(CsvTest, TypesServeAllPieces) {
  std::string text = "i,s,d\n";
  for (int i = 0; i < 1000; ++i) text += "007,1,2001-01-01\n";
  TableOptions options = defaults();
  options.piece_bytes = 100;
  const Table t = table(text + "1.5,x,\n", options);
  EXPECT_EQ(t.type("i"), ColumnType::real);
  EXPECT_THAT(categories_of(*t.at("s")).names, ElementsAre("1", "x"));
  EXPECT_THAT(categories_of(*table(text + "x,x,\n", options).at("i")).names, ElementsAre("007", "x"));
  EXPECT_EQ(table(text, options).type("d"), ColumnType::text);
  // A large integer that turns out to be a real is rounded, as where it is read as one.
  std::string large = "i\n";
  for (int i = 0; i < 20; ++i) large += "9007199254740993\n";
  EXPECT_EQ(numbers(table(large + "0.5\n", options), "i")[0], 9007199254740992.0);
}

TEST_F(CsvTest, NumbersAreWhatTheirCellsSay) {
  const Table t = table(
      "y,hex,id,r,e,phone\n+1,0x10,18446744073709551615,+1.5,1e+5,+49 "
      "30\n-1,0x11,18446744073709551614,2,-1,1\n"
      "NA,NA,7,99999999999999999999,2,NA\n");
  EXPECT_EQ(t.type("y"), ColumnType::integer);
  EXPECT_EQ(numbers(t, "y")[0], 1);
  EXPECT_TRUE(std::isnan(numbers(t, "y")[2]));
  EXPECT_THAT(categories_of(*t.at("hex")).names, ElementsAre("0x10", "0x11"));
  EXPECT_THAT(categories_of(*t.at("id")).names,
              ElementsAre("18446744073709551614", "18446744073709551615", "7"));
  EXPECT_THAT(numbers(t, "r"), ElementsAre(1.5, 2, 99999999999999999999.0));
  EXPECT_THAT(numbers(t, "e"), ElementsAre(1e5, -1, 2));
  EXPECT_EQ(t.type("phone"), ColumnType::text);
}

TEST_F(CsvTest, NumbersAreTheSameInEveryPiece) {
  TableOptions options = defaults();
  options.piece_bytes = 8;
  const Table t = table("id,y\n1,1\n2,+1\n3,-1\n18446744073709551615,+1\n4,1\n", options);
  EXPECT_THAT(categories_of(*t.at("id")).names, ElementsAre("1", "18446744073709551615", "2", "3", "4"));
  EXPECT_EQ(t.type("y"), ColumnType::integer);
  EXPECT_THAT(numbers(t, "y"), ElementsAre(1, 1, -1, 1, 1));
}

TEST_F(CsvTest, DeclaredCellsAreTakenAsTheyAreMeant) {
  TableOptions options = defaults();
  options.types = {{"y", ColumnType::integer}, {"b", ColumnType::boolean}, {"i", ColumnType::integer}};
  const Table t = table("y,b,i\n+1,1,5\n-1, true,NA\n2,0,+7\n", options);
  EXPECT_THAT(numbers(t, "y"), ElementsAre(1, -1, 2));
  EXPECT_THAT(numbers(t, "b"), ElementsAre(1, 1, 0));
  EXPECT_EQ(t.type("b"), ColumnType::boolean);
  EXPECT_THAT(error("y,b,i\n+1,1,5\n2,yes,6\n", options),
              HasSubstr("row 2: column \"b\": \"yes\" is no boolean"));
  EXPECT_THAT(error("y,b,i\n+1,1,5\n2,1,6.5\n", options),
              HasSubstr("row 2: column \"i\": \"6.5\" is no integer"));
  EXPECT_THAT(error("y,b,i\n1,1,5\n2,1,6.5\n", options),
              HasSubstr("row 2: column \"i\": \"6.5\" is no integer"));
}

TEST_F(CsvTest, TypesMayBeDeclared) {
  TableOptions options = defaults();
  options.types = {{"a", ColumnType::text}, {"b", ColumnType::real}};
  const Table t = table("a,b\n007,1\n", options);
  EXPECT_THAT(categories_of(*t.at("a")).names, ElementsAre("007"));
  EXPECT_EQ(t.type("b"), ColumnType::real);
  EXPECT_THAT(error("a,b\nx,1\ny,z\n", options), HasSubstr("a.csv: row 2: column \"b\": \"z\" is no number"));
  options.types = {{"c", ColumnType::text}};
  EXPECT_THAT(message_of(ExitStatus::configuration, [&] { table("a,b\n1,2\n", options); }),
              HasSubstr("no such column"));
}

TEST_F(CsvTest, TabsAreAFilesOwnMatter) {
  make_directories(folder_ / "old.tsv.d");
  write_text(folder_ / "old.tsv.d/a.csv", "a,b\n1,2\n");
  EXPECT_THAT(read_table(folder_ / "old.tsv.d/a.csv", defaults()).names(), ElementsAre("a", "b"));
  put_gzip(folder_ / "a.tsv.gz", "a\tb\n1\t2\n");
  EXPECT_THAT(read_table(folder_ / "a.tsv.gz", defaults()).names(), ElementsAre("a", "b"));
}

TEST_F(CsvTest, FilesAreChosenAtAnyDepth) {
  make_directories(folder_ / "s/t");
  write_text(folder_ / "a.csv", "x\n0\n");
  write_text(folder_ / "s/b.csv", "x\n1\n");
  write_text(folder_ / "s/t/c.csv", "x\n2\n");
  TableOptions options = defaults();
  options.files = {"**/*.csv"};
  EXPECT_THAT(numbers(read_table(folder_.path(), options), "x"), ElementsAre(0, 1, 2));
}

TEST_F(CsvTest, OtherEncodingsAndDelimiters) {
  TableOptions options = defaults();
  options.encoding = "latin-1";
  options.delimiter = ";";
  EXPECT_THAT(categories_of(*table("a;b\n\xe4;1\n", options).at("a")).names, ElementsAre("ä"));
  options.encoding = "utf-16";
  const Table wide = table(std::string("\xff\xfe"
                                       "a\0;\0b\0\n\0"
                                       "1\0;\0"
                                       "2\0\n\0",
                                       18),
                           options);
  EXPECT_THAT(numbers(wide, "b"), ElementsAre(2));
  options.encoding = "klingon";
  EXPECT_THAT(message_of(ExitStatus::configuration, [&] { table("a\n1\n", options); }), HasSubstr("klingon"));
  write_text(folder_ / "t.tsv", "\xef\xbb\xbf\"a\"\tb\r\n1\t2\r\n");
  EXPECT_THAT(numbers(read_table(folder_ / "t.tsv", defaults()), "a"), ElementsAre(1));
}

TEST_F(CsvTest, AFileThatChangesIsRefused) {
  const auto alone = make_self_communicator();
  for (const std::string& other : {std::string("a\n1\n2\n3\n4\n"), std::string("a\n1\n"), std::string()}) {
    write_text(folder_ / "a.csv", "a\n1\n2\n3\n");
    TableInput input(*alone, folder_ / "a.csv", defaults(), folder_ / "scratch");
    write_text(folder_ / "a.csv", other);
    EXPECT_THAT(message_of(ExitStatus::bad_data,
                           [&] {
                             input.settle(*alone, {}, 0);
                             input.check_unchanged(*alone);
                           }),
                HasSubstr("a.csv changed while it was read"));
  }
}

TEST_F(CsvTest, JsonLinesMayLackColumns) {
  write_text(folder_ / "a.jsonl", "{\"a\": 1, \"t\": \"2001-01-01 00:00:00\"}\n{\"a\": 2.5, \"b\": true}\n");
  TableOptions options = defaults();
  options.piece_bytes = 10;
  const Table t = read_table(folder_ / "a.jsonl", options);
  EXPECT_THAT(t.names(), ElementsAre("a", "t", "b"));
  EXPECT_THAT(numbers(t, "a"), ElementsAre(1, 2.5));
  EXPECT_TRUE(std::isnan(numbers(t, "b")[0]));
  EXPECT_THAT(categories_of(*t.at("t")).names, ElementsAre("2001-01-01 00:00:00"));
  write_text(folder_ / "a.jsonl", "{\"a\": 1}\n{\"a\": }\n");
  EXPECT_THAT(message_of(ExitStatus::bad_data, [&] { read_table(folder_ / "a.jsonl", options); }),
              HasSubstr("a.jsonl: row 2"));
}

TEST_F(CsvTest, JsonLinesAreReadAsTheTypesDeclared) {
  TableOptions options = defaults();
  options.types = {{"zip", ColumnType::text},
                   {"n", ColumnType::integer},
                   {"b", ColumnType::boolean},
                   {"odd \"name", ColumnType::text}};
  const std::string lines =
      "{\"zip\": 01, \"n\": 1}\n"
      "{\"zip\":12345678901234567890123,\"n\": \"5\", \"b\": 1, \"other\": \"7, \\\"zip\\\": 8\", \"odd "
      "\\\"name\": 1.50}\n"
      "{ \"n\" : -6 , \"zip\" : \"a,b\", \"b\": \"false\", \"other\": \"7\" }\n"
      "{\"zip\": null, \"n\": null, \"b\": true, \"odd \\\"name\": \"x\"}\n";
  write_text(folder_ / "a.jsonl", lines.substr(lines.find('\n') + 1));
  const Table t = read_table(folder_ / "a.jsonl", options);
  EXPECT_THAT(categories_of(*t.at("zip")).names, ElementsAre("12345678901234567890123", "a,b"));
  EXPECT_THAT(categories_of(*t.at("n")).names, ElementsAre("-6", "5"));
  EXPECT_THAT(numbers(t, "b"), ElementsAre(1, 0, 1));
  EXPECT_THAT(categories_of(*t.at("other")).names, ElementsAre("7", "7, \"zip\": 8"));
  EXPECT_THAT(categories_of(*t.at("odd \"name")).names, ElementsAre("1.50", "x"));
  write_text(folder_ / "a.jsonl", lines);
  EXPECT_THAT(message_of(ExitStatus::bad_data, [&] { read_table(folder_ / "a.jsonl", options); }),
              HasSubstr("a.jsonl: row 1"));
  write_text(folder_ / "a.jsonl", "{\"n\": 1}\n{\"n\": \"five\"}\n");
  EXPECT_THAT(message_of(ExitStatus::bad_data,
                         [&] {
                           read_table(folder_ / "a.jsonl", {.types = {{"n", ColumnType::integer}}});
                         }),
              HasSubstr("a.jsonl: row 2"));
}

TEST_F(CsvTest, WhatATableCannotHoldIsLeftOut) {
  write_text(folder_ / "a.jsonl", "{\"a\": 1, \"tags\": [1, 2]}\n{\"a\": 2, \"tags\": []}\n");
  const Table t = read_table(folder_ / "a.jsonl", defaults());
  EXPECT_THAT(t.names(), ElementsAre("a"));
  EXPECT_THAT(message_of(ExitStatus::bad_data, [&] { t.at("tags"); }),
              HasSubstr("a.jsonl: column \"tags\" holds values of type list"));
  EXPECT_THAT(
      message_of(ExitStatus::bad_data, [&] { evaluate(parse_expression("tags > 1"), "tags > 1", t); }),
      HasSubstr("holds values of type list"));
  TableOptions options = defaults();
  options.types = {{"tags", ColumnType::text}};
  EXPECT_NE(message_of(ExitStatus::bad_data, [&] { read_table(folder_ / "a.jsonl", options); }), "no error");
  write_text(folder_ / "b.jsonl", "{\"a\": 1, \"tags\": 7}\n");
  EXPECT_THAT(
      message_of(ExitStatus::bad_data, [&] { read_table(folder_.path(), defaults()); }),
      HasSubstr(
          "column \"tags\" holds values of type list<item: int64> in some rows, and integer in others"));
}

TEST_F(CsvTest, OnlyTextHasAnEncoding) {
  TableOptions options = defaults();
  options.encoding = "latin-1";
  write_text(folder_ / "a.parquet", "PAR1");
  EXPECT_THAT(message_of(ExitStatus::configuration, [&] { read_table(folder_ / "a.parquet", options); }),
              HasSubstr("`encoding` is for text"));
}

TEST_F(CsvTest, ACellThatIsNoNumberIsNamed) {
  const Table t = table("x\n1\nNA\nabc\n");
  EXPECT_THAT(message_of(ExitStatus::bad_data, [&] { as_numbers(t, "x"); }),
              HasSubstr("a.csv: row 3: column \"x\": \"abc\" is no number"));
}

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

TEST_F(EvaluateTest, LogicKnowsMissingValues) {
  EXPECT_THAT(run("i > 0"), AreTwoAndMissing(1, 0));
  EXPECT_THAT(run("i > 0 or true"), ElementsAre(1, 1, 1));
  EXPECT_THAT(run("not b and s != 'x'"), AreTwoAndMissing(0, 1));
}

TEST_F(EvaluateTest, ErrorsShowThePlace) {
  EXPECT_THAT(fails("1 + rr"), HasSubstr("no column \"rr\" (did you mean \"r\"?)\n  1 + rr\n      ^"));
  EXPECT_THAT(fails("i == b"), HasSubstr("integer can't be compared with a boolean"));
  EXPECT_THAT(fails("b + 1"), HasSubstr("needs a number"));
  EXPECT_THAT(fails("i and b"), HasSubstr("needs true or false"));
  EXPECT_THAT(fails("upper(i)"), HasSubstr("needs a text"));
  EXPECT_THAT(fails("if(b, 1, 'x')"), HasSubstr("can't give"));
  EXPECT_THAT(fails("s + 1", ExitStatus::bad_data), HasSubstr("row 1: column \"s\": \"Ab\" is no number"));
  EXPECT_THAT(fails("s > 1", ExitStatus::bad_data), HasSubstr("row 1: column \"s\": \"Ab\" is no number"));
  EXPECT_THAT(fails("i / (i - i)", ExitStatus::bad_data), HasSubstr("divide by zero"));
  EXPECT_THAT(fails("i * 9223372036854775807", ExitStatus::bad_data), HasSubstr("overflow"));
}

}  // namespace
}  // namespace rankflow
