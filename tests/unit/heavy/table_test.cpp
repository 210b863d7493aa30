#include "io/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "io/expression_evaluator.h"
#include "tests/unit/heavy/table_fixture.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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

TEST_F(CsvTest, QuotedEmptyCellsAreMissingAmongNumbersAndTextsAmongTexts) {
  const std::string content =
      "\"i\",\"b\",\"s\",\"none\",\"r\"\n\"1\",\"true\",\"x\",\"\",\"1.5\"\n\"\",\"\",\"\",\"\",\"\"\n"
      "\"\",\"\",\"\",\"\",\"\"\n\"3\",\"false\",\"a \"\"b\"\", "
      "c\",\"\",\"2\"\n\"4\",\"true\",\"NA\",\"\",\"\"\r\n";
  for (const std::int64_t piece : {1, 7, 1000}) {
    TableOptions options = defaults();
    options.piece_bytes = piece;
    const Table t = table(content, options);
    EXPECT_EQ(t.type("i"), ColumnType::integer);
    EXPECT_EQ(t.type("b"), ColumnType::boolean);
    EXPECT_EQ(t.type("none"), ColumnType::real);
    EXPECT_THAT(categories_of(*t.at("i")).codes, ElementsAre(0, -1, -1, 1, 2));
    EXPECT_THAT(categories_of(*t.at("b")).codes, ElementsAre(1, -1, -1, 0, 1));
    EXPECT_THAT(categories_of(*t.at("r")).names, ElementsAre("1.5", "2"));
    EXPECT_THAT(categories_of(*t.at("s")).names, ElementsAre("", "NA", "a \"b\", c", "x"));
    EXPECT_THAT(categories_of(*t.at("none")).names, IsEmpty());
    options.types = {{"i", ColumnType::real}, {"b", ColumnType::boolean}, {"none", ColumnType::text}};
    const Table declared = table(content, options);
    EXPECT_THAT(categories_of(*declared.at("i")).codes, ElementsAre(0, -1, -1, 1, 2));
    EXPECT_THAT(categories_of(*declared.at("b")).codes, ElementsAre(1, -1, -1, 0, 1));
    EXPECT_THAT(categories_of(*declared.at("none")).names, ElementsAre(""));
  }
  EXPECT_THAT(error("a,b\n\"\",1\n\"\",1,2\n"), HasSubstr("row 2 has 3 columns, not 2: \"\",1,2"));
}

TEST_F(CsvTest, EmptyCellsAreMissingWhateverElseIs) {
  TableOptions options = defaults();
  options.missing = {"?"};
  const Table t = table("x,s\n1,a\n?,\n,NA\n", options);
  EXPECT_EQ(t.type("x"), ColumnType::integer);
  EXPECT_THAT(categories_of(*t.at("s")).codes, ElementsAre(1, -1, 0));
}

TEST_F(CsvTest, ColumnsWithoutANameAreCalledAsPandasDoes) {
  EXPECT_THAT(table(",a,\n0,1,\n1,2,\n").names(), ElementsAre("Unnamed: 0", "a", "Unnamed: 2"));
  EXPECT_THAT(error("a,b,a\n1,2,3\n"), HasSubstr("two columns are called \"a\""));
}

TEST_F(CsvTest, FilesOfAnotherKindAreToldFromText) {
  const auto says = [&](const std::string& name, const std::string& content) {
    write_text(folder_ / name, content);
    return message_of(ExitStatus::bad_data, [&] { read_table(folder_ / name, defaults()); });
  };
  EXPECT_THAT(says("a.data", "PAR1....PAR1"),
              HasSubstr("a.data looks like Parquet, but would be read as CSV"));
  EXPECT_THAT(says("b.csv", "BZh91AY&SY...."), HasSubstr("compressed with bzip2"));
  EXPECT_THAT(says("c.csv", std::string("\xfd") + "7zXZ......"), HasSubstr("compressed with xz"));
  EXPECT_THAT(says("d.csv", "PK\x03\x04......"), HasSubstr("a zip archive"));
  EXPECT_THAT(says("e.json", " [{\"a\": 1}]\n"), HasSubstr("a JSON array"));
  EXPECT_THAT(table("PAR1,b\n1,2\n").names(), ElementsAre("PAR1", "b"));
  write_text(folder_ / "f.json", "{\"a\": 1}\n{\"a\": 2}\n");
  EXPECT_THAT(numbers(read_table(folder_ / "f.json", defaults()), "a"), ElementsAre(1, 2));
}

TEST_F(CsvTest, EarlierTypesHoldLikeDeclaredOnes) {
  TableOptions options = defaults();
  options.piece_bytes = 8;  // some pieces tell nothing of the others
  const auto like = [&](ColumnType type, const std::string& content) {
    options.earlier_types = {{"a", type}};
    return categories_of(*table(content, options).at("a")).names;
  };
  EXPECT_THAT(like(ColumnType::boolean, "a,b\n1,x\n0,x\n,x\n1,x\n"), ElementsAre("false", "true"));
  EXPECT_THAT(like(ColumnType::boolean, "a,b\nNA,x\nNA,x\n"), IsEmpty());
  EXPECT_THAT(like(ColumnType::integer, "a,b\nTrue,x\nFalse,x\n"), ElementsAre("0", "1"));
  EXPECT_THAT(like(ColumnType::text, "a,b\n01,x\n002,x\n"), ElementsAre("002", "01"));
  EXPECT_EQ(table("a,b\n1,x\n2.5,x\n", options).type("a"), ColumnType::text);
  options.earlier_types = {{"a", ColumnType::integer}};
  EXPECT_EQ(table("a,b\n1,x\n2.5,x\n", options).type("a"), ColumnType::real);
  const std::string says = error("a,b\n7,x\n8,x\n9,x\n?,x\n", options);
  EXPECT_THAT(says, HasSubstr("a.csv: row 4: column \"a\": \"?\" is no integer"));
  EXPECT_THAT(error("a,b\n7,x\nTrue,x\n", options), HasSubstr("row 2: column \"a\": \"True\" is no integer"));
  options.earlier_types = {{"a", ColumnType::boolean}};
  EXPECT_THAT(error("a,b\n1,x\n0,x\n2,x\n", options), HasSubstr("row 3: column \"a\": \"2\" is no boolean"));
  options.missing = {"?"};
  EXPECT_THAT(like(ColumnType::real, "a,b\n1.5,x\n,x\n?,x\n"), ElementsAre("1.5"));
}

TEST_F(CsvTest, EarlierTypesHoldInJsonLines) {
  TableOptions options = defaults();
  options.piece_bytes = 16;
  const std::string path = folder_ / "a.jsonl";
  const auto names = [&](ColumnType type, const std::string& content) {
    options.earlier_types = {{"a", type}};
    write_text(path, content);
    return categories_of(*read_table(path, options).at("a")).names;
  };
  EXPECT_THAT(names(ColumnType::boolean, "{\"a\": 1}\n{\"a\": 0}\n{\"a\": null}\n"),
              ElementsAre("false", "true"));
  EXPECT_THAT(names(ColumnType::integer, "{\"a\": true}\n{\"a\": false}\n"), ElementsAre("0", "1"));
  EXPECT_THAT(names(ColumnType::integer, "{\"a\": \"7\"}\n{\"a\": \"8\"}\n"), ElementsAre("7", "8"));
  EXPECT_THAT(
      message_of(ExitStatus::bad_data,
                 [&] { names(ColumnType::integer, "{\"a\": \"7\"}\n{\"a\": \"8\"}\n{\"a\": \"?\"}\n"); }),
      HasSubstr("a.jsonl: row 3: "));
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

TEST_F(CsvTest, LongIntegersOfJsonLinesAreTexts) {
  TableOptions options = defaults();
  write_text(folder_ / "a.jsonl",
             "{\"id\": 18446744073709551615, \"r\": 1e300}\n{\"id\": 18446744073709551614, \"r\": 0.5}\n"
             "{\"id\": 7, \"r\": 99999999999999999999}\n");
  for (const std::int64_t bytes : {std::int64_t{30}, std::int64_t{1} << 20}) {
    options.piece_bytes = bytes;
    const Table t = read_table(folder_ / "a.jsonl", options);
    EXPECT_THAT(categories_of(*t.at("id")).names,
                ElementsAre("18446744073709551614", "18446744073709551615", "7"));
    if (bytes > 30) {
      EXPECT_THAT(numbers(t, "r"), ElementsAre(1e300, 0.5, 99999999999999999999.0));
    }
  }
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

}  // namespace
}  // namespace rankflow
