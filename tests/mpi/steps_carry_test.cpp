// Columns that prepare carries along, on 1, 2 and 4 ranks: their values, their bytes, and what evaluate and score make of them.
#include "base/text.h"
#include "io/carried.h"
#include "prepare_fixture.h"
#include "steps/input_columns.h"
#include "steps/slices.h"

namespace rankflow {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CarryTest : public PrepareTest {
 protected:
  static std::vector<std::string> texts(const Dataset& data, const std::string& name) {
    std::vector<std::string> values;
    data.for_each_row(name, Range{0, data.rows()},
                      [&](const std::byte* row) { values.emplace_back(text_at(row, data.info().at(name))); });
    return values;
  }
  static std::string slices(const Dataset& data, const std::string& name, std::int64_t buckets = 2) {
    std::vector<std::string> all;
    for (const Slice& slice : slices_of(data, {name}, buckets)) {
      std::vector<std::string> rows;
      for (const auto row : slice.rows) rows.push_back(str(row));
      all.push_back(str(slice.value, ":", join(rows, "+")));
    }
    return join(all, " ");
  }
};

const char* const small_table =
    "id,place,vip,amount,x,t\n"
    "9007199254740993,Köln,true,0.1,1,0\n"
    "-5,,false,NA,2,1\n"
    "7,Rome,true,2.5,3,NA\n"
    "7,Rome,true,-1e300,4,1\n";

TEST_F(CarryTest, ValuesKeepTheirTypesAndAreNotLearntFrom) {
  write("a.csv", small_table);
  prepare({{"target", "t"},
           {"carry", {"id", "place", "vip", "amount", "double"}},
           {"derive", {{"double", "2 * x"}}}},
          {{"data", at("a.csv")}});
  const Dataset data(at("out/data"));
  EXPECT_THAT(column<std::int64_t>(data, "id"), ElementsAre(9007199254740993, -5, 7));
  EXPECT_THAT(texts(data, "place"), ElementsAre("Köln", "", "Rome"));
  EXPECT_EQ(data.info().at("place").shape, (std::vector<std::int64_t>{5})) << "bytes of the longest";
  EXPECT_THAT(column<std::uint8_t>(data, "vip"), ElementsAre(1, 0, 1));
  EXPECT_THAT(column<double>(data, "amount"), ElementsAre(0.1, testing::IsNan(), -1e300));
  EXPECT_THAT(column<std::int64_t>(data, "double"), ElementsAre(2, 4, 8));
  const Json& schema = data.info().schema;
  ASSERT_EQ(schema.at("features").size(), 1u);
  EXPECT_EQ(schema.at("features")[0].at("name"), "x");
  EXPECT_EQ(schema.at("categories"), Json::array());
}

TEST_F(CarryTest, FeaturesAreCarriedAsTheyWereBeforeScaling) {
  write("a.csv", "x,s,t\n10,b,0\n20,a,1\n30,a,0\n");
  prepare({{"target", "t"},
           {"carry", {"x", "s", "t"}},
           {"features", {{"numeric", {"x"}}, {"categorical", {"s"}}}},
           {"transforms", {{{"type", "clip"}, {"columns", {"x"}}, {"max", 25}}}}},
          {{"data", at("a.csv")}});
  const Dataset data(at("out/data"));
  EXPECT_THAT(column<float>(data, "features"), testing::SizeIs(3));
  EXPECT_THAT(column<double>(data, "x"), ElementsAre(10, 20, 25)) << "clipped are numbers";
  EXPECT_THAT(texts(data, "s"), ElementsAre("b", "a", "a"));
  EXPECT_THAT(column<std::int64_t>(data, "t"), ElementsAre(0, 1, 0));
}

std::string large_table(int rows, int seed = 0) {
  std::string text = "id,name,vip,x,t\n";
  for (int i = 0; i < rows; ++i)
    text += str(i * 7919 + seed, ",", std::string(static_cast<std::size_t>((i + seed) % 13), 'n'), i, ",",
                i % 3 ? "true" : "false", ",", i % 101, ",", i % 2 ? "yes" : "no", "\n");
  return text;
}

TEST_F(CarryTest, TheBytesAreThoseOfOneRank) {
  write("large.csv", large_table(100'000));
  for (const char* memory : {"2", "0.001"}) {  // GB; with little the table is read again
    expect_bytes_of_one_rank({{"target", "t"},
                              {"carry", {"id", "name", "vip"}},
                              {"filter", "x != 50"},
                              {"memory_per_rank", Json::parse(memory)},
                              {"transforms", {{{"type", "drop_duplicates"}, {"columns", {"x", "name"}}}}},
                              {"split", {{"train", 0.7}, {"test", 0.3}}},
                              {"rows_per_part", 7'000}},
                             {{"data", at("large.csv")}}, str("all-", memory));
    const Dataset data(at(str("all-", memory, "/test")));
    const auto rows = column<std::int64_t>(data, "row"), ids = column<std::int64_t>(data, "id");
    const auto names = texts(data, "name");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ASSERT_EQ(ids[i], rows[i] * 7919);
      ASSERT_EQ(names[i], std::string(static_cast<std::size_t>(rows[i] % 13), 'n') + str(rows[i]));
    }
  }
}

TEST_F(CarryTest, TakenOverRowsBringTheirColumnsThoughTextsBecomeLongerOrShorter) {
  write("first.csv", large_table(500));
  prepare({{"target", "t"}, {"carry", {"id", "name", "vip"}}}, {{"data", at("first.csv")}}, "learnt");
  if (first()) make_directories(at("data"));
  comm().barrier();
  write("data/1.csv", large_table(400, 1));
  write("data/2.csv", large_table(300, 2));
  write("data/3.csv", "id,name,vip,x,t\n1,short,true,3,yes\n");
  std::optional<Predecessor> earlier;
  const auto again = [&](const std::string& out, const std::string& expected) {
    const Json keys = {
        {"target", "t"}, {"carry", {"id", "name", "vip"}}, {"split", {{"train", 0.5}, {"test", 0.5}}}};
    const std::map<std::string, std::string> inputs = {{"data", at("data")},
                                                       {"statistics", at("learnt/data")}};
    const StepSpecs specs = all_step_specs();
    const auto run = [&](const std::string& to, std::optional<Predecessor>* before) {
      return run_step(*step_factory()("prepare"), *specs.find("prepare"), comm(), keys, inputs, at(to),
                      before);
    };
    const Json said = run(out, &earlier);
    run(out + "-plain", nullptr);
    if (!first()) return;
    expect_same_files(out + "-plain", out);
    EXPECT_EQ(said.value("files_taken_over", "nothing"), expected);
  };
  again("run-1", "nothing");
  write("data/3.csv", "id,name,vip,x,t\n1,this is longer than all the others,true,3,yes\n");
  again("run-2", "2 of 3");
  write("data/3.csv", "id,name,vip,x,t\n1,short again,true,3,yes\n");
  again("run-3", "2 of 3");
}

TEST_F(CarryTest, SlicesAreOfValuesOrOfRangesWhereTheseAreMany) {
  write("a.csv", small_table);
  prepare({{"target", "x"}, {"missing_values", "mean"}, {"carry", {"id", "place", "vip", "amount"}}},
          {{"data", at("a.csv")}});
  const Dataset data(at("out/data"));
  EXPECT_EQ(slices(data, "place"), "(unknown):1 Köln:0 Rome:2+3");
  EXPECT_EQ(slices(data, "vip"), "false:1 true:0+2+3");
  EXPECT_EQ(slices(data, "id"), "-5:1 7:2+3 9007199254740993:0");
  EXPECT_EQ(slices(data, "amount", 3), "(unknown):1 below 0.1:3 0.1 to 2.5:0 2.5 and more:2");

  write("large.csv", large_table(1'500));
  prepare({{"target", "t"}, {"carry", {"id", "name"}}}, {{"data", at("large.csv")}}, "large");
  const Dataset large(at("large/data"));
  const auto ranges = slices_of(large, {"id"}, 4);
  ASSERT_EQ(ranges.size(), 4u);
  EXPECT_EQ(ranges[1].value, str(375 * 7919, " to ", 750 * 7919));
  EXPECT_EQ(ranges[1].rows.size(), 375u);
  try {
    slices_of(large, {"name"}, 4);
    ADD_FAILURE() << "1500 texts were no error";
  } catch (const Error& e) {
    EXPECT_THAT(e.message(), HasSubstr("\"name\" has more than 1000 texts"));
  }
}

TEST_F(CarryTest, ResultsGetTheValuesInTheirTypes) {
  write("a.csv", small_table);
  prepare({{"target", "x"}, {"missing_values", "mean"}, {"carry", {"id", "place", "vip", "amount"}}},
          {{"data", at("a.csv")}});
  const Dataset data(at("out/data"));
  const auto read = [&](const char* name, ResultType type) {
    const InputColumn input = input_column(data.info(), name);
    EXPECT_EQ(input.column.type, type) << name;
    return input.read(data, {1, 3});
  };
  EXPECT_EQ(read("id", ResultType::integer), ResultValues(std::vector<std::int64_t>{-5, 7}));
  EXPECT_EQ(read("place", ResultType::text), ResultValues(std::vector<std::string>{"", "Rome"}));
  EXPECT_EQ(read("vip", ResultType::boolean), ResultValues(std::vector<std::uint8_t>{0, 1}));
  EXPECT_EQ(std::get<std::vector<double>>(read("amount", ResultType::real64))[1], 2.5);
}

TEST_F(CarryTest, WhatCannotBeCarriedIsAnErrorOfOneLine) {
  write("a.csv", "id,long,x,t\n1," + std::string(1001, 'x') + ",1,0\n,y,2,1\n");
  const std::map<std::string, std::string> a{{"data", at("a.csv")}};
  const Json keys = {{"target", "t"}, {"features", {{"numeric", {"x"}}}}};
  const auto said = [&](const Json& names, ExitStatus status) {
    Json more = keys;
    more["carry"] = names;
    return failure(more, a, status);
  };
  EXPECT_THAT(said({"idd"}, ExitStatus::configuration), HasSubstr("did you mean \"id\"?"));
  const std::string missing = said({"id"}, ExitStatus::bad_data),
                    length = said({"long"}, ExitStatus::bad_data);
  if (first()) {  // which reads the rows
    EXPECT_THAT(missing, HasSubstr("a.csv: row 2: column \"id\" of `carry` has no value"));
    EXPECT_THAT(length, HasSubstr("a.csv: row 1: column \"long\" of `carry` has a text of 1001 bytes"));
  }
  write("new.csv", "x\n1\n");
  prepare(keys, a, "learnt");
  Json more = {{"carry", {"id"}}};
  EXPECT_THAT(
      failure(more, {{"data", at("new.csv")}, {"statistics", at("learnt/data")}}, ExitStatus::configuration),
      HasSubstr("id"));
}

}  // namespace
}  // namespace rankflow
