#include <cmath>
#include <set>

#include "base/text.h"
#include "tests/mpi/prepare_fixture.h"

namespace rankflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Customers with amounts on days; every tenth row is a copy of the one before, some cells are empty.
std::string orders(int rows) {
  std::string text = "customer,amount,day,note\n";
  for (int i = 0; i < rows; ++i) {
    const int n = i % 10 == 9 ? i - 1 : i;
    text += str("c", n * 7919 % 997, ",", n % 13 == 0 ? "" : str(n * 37 % 1001 / 4.0), ",2024-",
                n % 9 + 1 < 10 ? "0" : "", n % 9 + 1, "-15,\"", n % 3 ? "a\nb" : "", "\"\n");
  }
  return text;
}

Json every_transform() {
  return Json::array({{{"type", "drop_duplicates"}},
                      {{"type", "rename"}, {"columns", {{"note", "remark"}}}},
                      {{"type", "date_parts"}, {"column", "day"}, {"parts", {"month", "weekday"}}},
                      {{"type", "fill"}, {"columns", {"amount"}}, {"with", "median"}},
                      {{"type", "derive"}, {"columns", {{"squared", "amount * amount"}, {"size", "amount"}}}},
                      {{"type", "clip"}, {"columns", {"amount"}}, {"quantiles", {0.1, 0.9}}},
                      {{"type", "log"}, {"columns", {"squared"}}, {"plus_one", true}},
                      {{"type", "min_max"}, {"columns", {"squared"}}},
                      {{"type", "standardise"}, {"columns", {"amount"}}},
                      {{"type", "bucket"}, {"columns", {"size"}}, {"buckets", 4}},
                      {{"type", "category"}, {"columns", {"customer"}}, {"most", 50}, {"unknown", "other"}},
                      {{"type", "one_hot"}, {"columns", {"day_weekday"}}},
                      {{"type", "cast"}, {"columns", {{"size", "text"}}}},
                      {{"type", "sample"}, {"fraction", 0.9}},
                      {{"type", "filter"}, {"where", "customer != 'c0'"}},
                      {{"type", "drop"}, {"columns", {"day"}}}});
}

TEST_F(PrepareTest, EveryTransformGivesTheBytesOfOneRank) {
  write("orders.csv", orders(120'000));
  const std::map<std::string, std::string> inputs{{"data", at("orders.csv")}};
  Json keys{{"transforms", every_transform()},
            {"split", {{"train", 0.8}, {"test", 0.2}}},
            {"rows_per_part", 7000},
            {"scaling", "none"}};
  expect_bytes_of_one_rank(keys, inputs, "kept");
  keys["memory_per_rank"] = 1e-6;  // nothing stays in memory: every pass reads the file again
  prepare(keys, inputs, "streamed");
  if (first()) expect_same_files("kept", "streamed");

  const Json schema = read_dataset_info(at("kept/train")).schema;
  std::vector<std::string> names;
  for (const char* kind : {"features", "categories"}) {
    for (const Json& f : schema.at(kind)) names.push_back(f.at("name"));
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"amount", "squared", "day_month", "customer", "remark", "size"}));
  EXPECT_EQ(schema.at("recipe").at("learnt").size(), every_transform().size());
  EXPECT_EQ(schema.at("recipe").at("learnt")[10].at("customer").at("values").size(), 50u);

  // What was learnt there holds for other rows, and need not be written down again.
  prepare(Json::object(), {{"data", at("orders.csv")}, {"statistics", at("kept/train")}}, "again");
  EXPECT_EQ(read_dataset_info(at("again/data")).schema.at("recipe").at("learnt")[8],
            schema.at("recipe").at("learnt")[8]);
  EXPECT_THAT(
      failure({{"transforms", Json::array({{{"type", "drop_duplicates"}}})}},
              {{"data", at("orders.csv")}, {"statistics", at("kept/train")}}, ExitStatus::configuration),
      HasSubstr("`transforms` differs"));
}

TEST_F(PrepareTest, TransformsDoWhatTheySay) {
  write("a.csv", "x,s,n\n1,a,1\n2,b,1\n2,b,1\n,a,1\n10,c,1\n");
  const auto values = [&](const Json& transforms, const char* column = "x") {
    prepare({{"transforms", transforms},
             {"scaling", "none"},
             {"missing_values", "drop"},
             {"features", {{"numeric", {column}}}}},
            {{"data", at("a.csv")}});
    return PrepareTest::column<float>(Dataset(at("out/data")), "features");
  };
  const auto one = [](Json keys) { return Json::array({std::move(keys)}); };
  const Json x = Json::array({"x"});
  EXPECT_THAT(values(one({{"type", "drop_duplicates"}})), ElementsAre(1, 2, 10));
  EXPECT_THAT(values(one({{"type", "fill"}, {"columns", x}, {"value", 5}})), ElementsAre(1, 2, 2, 5, 10));
  EXPECT_THAT(values(one({{"type", "fill"}, {"columns", x}})), ElementsAre(1, 2, 2, 3.75, 10));
  EXPECT_THAT(values(one({{"type", "fill"}, {"columns", x}, {"with", "most_frequent"}})),
              ElementsAre(1, 2, 2, 2, 10));
  EXPECT_THAT(values(one({{"type", "clip"}, {"columns", x}, {"min", 2}, {"max", 3}})),
              ElementsAre(2, 2, 2, 3));
  EXPECT_THAT(values(one({{"type", "min_max"}, {"columns", x}})),
              ElementsAre(0, testing::FloatEq(1 / 9.0), testing::FloatEq(1 / 9.0), 1));
  EXPECT_THAT(values(one({{"type", "bucket"}, {"columns", x}, {"at", {1, 5}}})), ElementsAre(0, 1, 1, 2));
  EXPECT_THAT(values(one({{"type", "bucket"}, {"columns", x}, {"buckets", 2}})), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(values(one({{"type", "filter"}, {"where", "s == 'b'"}})), ElementsAre(2, 2));
  EXPECT_THAT(values(one({{"type", "drop_missing"}, {"columns", x}})), ElementsAre(1, 2, 2, 10));
  EXPECT_THAT(values(one({{"type", "one_hot"}, {"columns", {"s"}}}), "s=b"), ElementsAre(0, 1, 1, 0, 0));
  EXPECT_THAT(values(one({{"type", "category"}, {"columns", {"n"}}, {"hash_buckets", 2}}), "n").size(), 5u);

  write("names.csv", "s,weight\na,7\nb,8\n");
  prepare({{"transforms", one({{"type", "join"}, {"on", {"s"}}, {"rows", "matching"}})},
           {"scaling", "none"},
           {"features", {{"numeric", {"weight"}}}}},
          {{"data", at("a.csv")}, {"join", at("names.csv")}}, "joined");
  EXPECT_THAT(column<float>(Dataset(at("joined/data")), "features"), ElementsAre(7, 8, 8, 7));
  EXPECT_THAT(failure({{"transforms", one({{"type", "select"}, {"columns", {"y"}}})}},
                      {{"data", at("a.csv")}}, ExitStatus::configuration),
              HasSubstr("no column \"y\""));
}

/// Values of the column `row` of a split.
std::vector<std::int64_t> rows_in(const std::string& folder) {
  const Dataset data(folder);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(data.rows()));
  data.copy("row", {0, data.rows()}, rows.data());
  return rows;
}

TEST_F(PrepareTest, RowsAreSplitByHashTimeAndStratum) {
  std::string text = "customer,time,class\n";
  constexpr int rows = 200'000;
  for (int i = 0; i < rows; ++i)
    text += str(i * 7919 % 997, ",", i * 31 % rows, ",", i % 50 == 0 ? "rare" : "usual", "\n");
  write("a.csv", text);
  const std::map<std::string, std::string> inputs{{"data", at("a.csv")}};
  const auto keys = [](const Json& by) {
    return Json{{"split", {{"train", 0.7}, {"test", 0.3}}}, {"split_by", by}};
  };

  expect_bytes_of_one_rank(keys({{"type", "hash"}, {"column", "customer"}}), inputs, "hash");
  std::set<std::int64_t> customers;
  for (const auto row : rows_in(at("hash/train"))) customers.insert(row * 7919 % 997);
  EXPECT_NEAR(static_cast<double>(customers.size()), 698, 60);
  for (const auto row : rows_in(at("hash/test"))) EXPECT_EQ(customers.count(row * 7919 % 997), 0u);

  expect_bytes_of_one_rank(keys({{"type", "time"}, {"column", "time"}}), inputs, "time");
  std::int64_t latest = 0, earliest = rows;
  for (const auto row : rows_in(at("time/train"))) latest = std::max(latest, row * 31 % rows);
  for (const auto row : rows_in(at("time/test"))) earliest = std::min(earliest, row * 31 % rows);
  EXPECT_LT(latest, earliest);
  EXPECT_NEAR(static_cast<double>(rows_in(at("time/train")).size()), 0.7 * rows, 0.001 * rows);
  prepare(keys({{"type", "time"}, {"column", "time"}, {"at", {1000}}}), inputs, "at");
  EXPECT_EQ(rows_in(at("at/train")).size(), 1000u);

  expect_bytes_of_one_rank(keys({{"type", "stratified"}, {"column", "class"}}), inputs, "strata");
  const auto test = rows_in(at("strata/test"));
  EXPECT_EQ(std::count_if(test.begin(), test.end(), [](auto row) { return row % 50 == 0; }), 1200);
  EXPECT_EQ(test.size(), 60'000u);
}

TEST_F(PrepareTest, CompressedFoldersAndLongRecordsAreCutAlike) {
  make_directories(at("many"));
  for (const char* name : {"many/b.csv", "many/a.csv", "many/c.csv"}) write(name, orders(30'000));
  write("many/notes.txt", "no table");
  expect_bytes_of_one_rank({{"features", {{"categorical", {"customer", "note"}}}}, {"rows_per_part", 1000}},
                           {{"data", at("many")}}, "folder");
  EXPECT_EQ(Dataset(at("folder/data")).rows(), 90'000);
  prepare({{"features", {{"categorical", {"customer"}}}}, {"files", {"[ab].csv"}}}, {{"data", at("many")}},
          "two");
  EXPECT_EQ(Dataset(at("two/data")).rows(), 60'000);
}

}  // namespace
}  // namespace rankflow
