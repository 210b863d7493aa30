#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/text.h"
#include "io/dataset.h"
#include "tests/mpi/prepare_fixture.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const char* const small_table =
    "date,delay,distance,origin\n"
    "01010001,14,400,A\n"
    "02011530,20,200,B\n"
    "03012359,NA,300,A\n"
    "01020300,16,600,NA\n";

TEST_F(PrepareTest, DerivesScalesAndEncodes) {
  write("a.csv", small_table);
  const Json results = prepare(
      {{"derive", {{"month", "date / 1000000"}, {"hour", "date / 100 % 100"}, {"late", "delay > 15"}}},
       {"target", "late"},
       {"features", {{"numeric", {"distance"}}, {"categorical", {"origin", "hour"}}}}},
      {{"data", at("a.csv")}});
  const Dataset data(at("out/data"));
  EXPECT_EQ(data.rows(), 3);
  EXPECT_THAT(column<std::int64_t>(data, "row"), ElementsAre(0, 1, 3));
  EXPECT_THAT(column<std::int64_t>(data, "target"), ElementsAre(0, 1, 1));
  const float scale = static_cast<float>(std::sqrt(80000.0 / 3));
  EXPECT_THAT(
      column<float>(data, "features"),
      ElementsAre(testing::FloatEq(0), testing::FloatEq(-200 / scale), testing::FloatEq(200 / scale)));
  EXPECT_THAT(column<std::int64_t>(data, "categories"), ElementsAre(1, 1, 2, 3, 0, 2));
  const Json& schema = data.info().schema;
  EXPECT_EQ(schema.at("task"), "classification");
  EXPECT_EQ(schema.at("classes"), Json({"false", "true"}));
  EXPECT_EQ(schema.at("categories")[1], Json({{"name", "hour"}, {"vocabulary", {"0", "3", "15"}}}));
  if (first()) {
    EXPECT_EQ(results.at("rows"), Json({{"data", 3}}));
    EXPECT_EQ(results.at("rows_dropped").at("missing target"), 1);
  }
}

TEST_F(PrepareTest, WhatTheTargetIsMadeFromIsNoFeatureUnlessListed) {
  write("a.csv", small_table);
  const Json derive{{"late", "delay > 15"}, {"speed", "distance / delay"}, {"far", "distance > 300"}};
  prepare({{"derive", derive}, {"target", "late"}}, {{"data", at("a.csv")}}, "default");
  const DatasetInfo info = read_dataset_info(at("default/data"));
  std::vector<std::string> names;
  for (const Json& f : info.schema.at("features")) names.push_back(f.at("name"));
  EXPECT_THAT(names, ElementsAre("date", "distance", "far"));

  prepare({{"derive", derive}, {"target", "late"}, {"features", {{"numeric", {"delay"}}}}},
          {{"data", at("a.csv")}}, "listed");
  EXPECT_EQ(Dataset(at("listed/data")).info().schema.at("features")[0].at("name"), "delay");
}

std::string large_table() {
  std::string text = "x,y,s,t\n";
  for (int i = 0; i < 200'000; ++i) {
    text += str(i * 37 % 1001, ",", (i * 17 % 997) / 8.0, ",k", i * 7919 % 53, ",", i % 3 == 0 ? "yes" : "no",
                "\n");
  }
  return text;
}

TEST_F(PrepareTest, TheBytesAreThoseOfOneRank) {
  write("large.csv", large_table());
  const Json parameters{{"target", "t"},
                        {"filter", "x != 500"},
                        {"split", {{"train", 0.7}, {"validation", 0.2}, {"test", 0.1}}},
                        {"seed", 3},
                        {"rows_per_part", 10'000}};
  prepare(parameters, {{"data", at("large.csv")}}, "all");
  if (first()) {
    const auto alone = make_self_communicator();
    prepare_on(*alone, parameters, {{"data", at("large.csv")}}, "one");
    expect_same_files("one", "all");
    EXPECT_GT(Dataset(at("all/train")).info().parts(), 10);
  }
}

TEST_F(PrepareTest, OtherDataIsPreparedLikeTrainingData) {
  write("train.csv", "x,s,t\n1,a,u\n3,b,v\n5,a,u\n");
  write("new.csv", "x,s,t\n3,c,v\n9,b,v\n");
  prepare({{"target", "t"}}, {{"data", at("train.csv")}}, "train");
  prepare({{"target", "t"}}, {{"data", at("new.csv")}, {"statistics", at("train/data")}}, "new");
  const Dataset data(at("new/data"));
  EXPECT_THAT(column<std::int64_t>(data, "categories"), ElementsAre(0, 2));
  EXPECT_THAT(column<std::int64_t>(data, "target"), ElementsAre(1, 1));
  EXPECT_FLOAT_EQ(column<float>(data, "features")[0], 0);

  prepare(Json::object(), {{"data", at("new.csv")}, {"statistics", at("train/data")}}, "scoring");
  EXPECT_EQ(Dataset(at("scoring/data")).info().find("target"), nullptr);
}

TEST_F(PrepareTest, MissingNumbersAreAnErrorOrReplacedOrDropped) {
  write("a.csv", "x,y,t\n1,7,0\n,8,1\n3,9,0\n");
  const std::string message = failure({{"target", "t"}}, {{"data", at("a.csv")}}, ExitStatus::bad_data);
  if (first()) {
    EXPECT_THAT(message, HasSubstr("a.csv: row 2: column \"x\" has no value"));
  }

  prepare({{"target", "t"}, {"missing_values", "mean"}, {"scaling", "none"}}, {{"data", at("a.csv")}},
          "mean");
  EXPECT_THAT(column<float>(Dataset(at("mean/data")), "features"), ElementsAre(1, 7, 2, 8, 3, 9));
  prepare({{"target", "t == 0"}, {"task", "regression"}, {"missing_values", "drop"}, {"scaling", "minmax"}},
          {{"data", at("a.csv")}}, "drop");
  const Dataset dropped(at("drop/data"));
  EXPECT_THAT(column<std::int64_t>(dropped, "row"), ElementsAre(0, 2));
  EXPECT_THAT(column<float>(dropped, "features"), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(column<float>(dropped, "target"), ElementsAre(1, 1));
}

TEST_F(PrepareTest, WrongDataAndWrongNamesFailOnAllRanks) {
  write("a.csv", small_table);
  write("bad.csv", "x,t\n1,0\nabc,1\n");
  const std::map<std::string, std::string> a{{"data", at("a.csv")}}, bad{{"data", at("bad.csv")}};
  const auto configuration = ExitStatus::configuration;
  EXPECT_THAT(failure({{"target", "dely > 15"}}, a, configuration), HasSubstr("did you mean \"delay\"?"));
  EXPECT_THAT(failure({{"features", {{"numeric", {"distanc"}}}}}, a, configuration),
              HasSubstr("did you mean \"distance\"?"));
  EXPECT_THAT(failure({{"derive", {{"delay", "1"}}}}, a, configuration),
              HasSubstr("a column \"delay\" already"));
  EXPECT_THAT(failure({{"filter", "delay"}}, a, configuration), HasSubstr("must be true or false"));
  const std::string message =
      failure({{"target", "t"}, {"features", {{"numeric", {"x"}}}}}, bad, ExitStatus::bad_data);
  if (first()) {  // which reads the row
    EXPECT_THAT(message, HasSubstr("bad.csv: row 2: column \"x\": \"abc\" is no number"));
  }
  EXPECT_THAT(failure({{"filter", "delay > 1000"}}, a, ExitStatus::bad_data), HasSubstr("no row is left"));
}

std::string idx(const std::string& shape, const std::string& values) {
  return std::string("\0\0\x08", 3) + shape + values;
}

TEST_F(PrepareTest, ImagesStayBytes) {
  write("images", idx(std::string("\3\0\0\0\2\0\0\0\1\0\0\0\3", 13), "abcdef"));
  write("labels", idx(std::string("\1\0\0\0\2", 5), std::string("\2\0", 2)));
  prepare(Json::object(), {{"images", at("images")}, {"labels", at("labels")}});
  const Dataset data(at("out/data"));
  EXPECT_THAT(data.info().at("images").shape, ElementsAre(1, 1, 3));
  EXPECT_THAT(column<std::uint8_t>(data, "images"), ElementsAre('a', 'b', 'c', 'd', 'e', 'f'));
  EXPECT_THAT(column<std::int64_t>(data, "target"), ElementsAre(2, 0));
  EXPECT_EQ(data.info().schema.at("classes"), Json({"0", "1", "2"}));

  write("few", idx(std::string("\1\0\0\0\1", 5), "\1"));
  EXPECT_THAT(
      failure(Json::object(), {{"images", at("images")}, {"labels", at("few")}}, ExitStatus::bad_data),
      HasSubstr("has 1 labels, but there are 2 images"));
  EXPECT_THAT(failure(Json::object(), {{"images", at("images")}, {"labels", at("none")}}, ExitStatus::io),
              HasSubstr("none"));
}

}  // namespace
}  // namespace rankflow
