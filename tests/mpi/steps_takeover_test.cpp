// Prepared rows that are taken over from an earlier run, on 1, 2 and 4 ranks: the same bytes as reading every file gives.
#include "base/text.h"
#include "prepare_fixture.h"

namespace rankflow {
namespace {

class TakeoverTest : public PrepareTest {
 protected:
  void SetUp() override {
    for (int file = 0; file < 5; ++file) write_rows(str("data/", file, ".csv"), file);
    prepare({{"target", "y"},
             {"features", {{"numeric", {"a"}}, {"categorical", {"c"}}}},
             {"derive", {{"b", "a * 2"}}},
             {"transforms", {{{"type", "clip"}, {"columns", {"a"}}, {"quantiles", {0.1, 0.9}}}}}},
            {{"data", at("data/3.csv")}}, "learnt");
  }
  /// 40 rows, 37 of them kept by the filter; of another content for each `seed`.
  void write_rows(const std::string& name, int seed) const {
    std::string text = "a,c,y,t\n";
    for (int i = 0; i < 40; ++i)
      text += str((i * 7 + seed * 3) % 50, ",k", (i + seed) % 4, ",", (i + seed) % 2 ? "yes" : "no", ",",
                  2000 + i, "\n");
    if (first()) make_directories(at("data"));
    comm().barrier();
    write(name, text);
  }
  void remove(const std::string& name) const {
    comm().barrier();
    if (first()) std::filesystem::remove(at(name));
    comm().barrier();
  }
  /// Prepares with and without what the run before left; the bytes are equal. Returns what is said of the files.
  std::string again(const Json& more = Json::object()) {
    Json parameters = {{"filter", "a != 7 or c != 'k1'"}, {"rows_per_part", 16}, {"target", "y"}};
    parameters.update(more);
    const std::string out = str("run-", ++runs_), plain = out + "-plain";
    const std::map<std::string, std::string> inputs = {{"data", at("data")},
                                                       {"statistics", at("learnt/data")}};
    const Json said = run(parameters, inputs, out, &earlier_);
    const Json all = run(parameters, inputs, plain, nullptr);
    if (first()) expect_same_files(plain, out);
    comm().barrier();
    if (!first()) return "";
    for (const char* same : {"rows", "rows_read", "rows_dropped"})
      EXPECT_EQ(said.at(same), all.at(same)) << same;
    return said.value("files_taken_over", "nothing");
  }
  Json run(const Json& parameters, const std::map<std::string, std::string>& inputs, const std::string& out,
           std::optional<Predecessor>* earlier) const {
    const StepSpecs specs = all_step_specs();
    const auto step = step_factory()("prepare");
    return run_step(*step, *specs.find("prepare"), comm(), parameters, inputs, at(out), earlier);
  }
  void expect(const std::string& said, const std::string& wanted) const {
    if (first()) {
      EXPECT_EQ(said, wanted);
    }
  }

  std::optional<Predecessor> earlier_;
  int runs_ = 0;
};

TEST_F(TakeoverTest, AddedChangedRemovedAndReorderedFiles) {
  for (const Json& split :
       {Json::object(), Json{{"split", {{"train", 0.5}, {"test", 0.5}}}},
        Json{{"split", {{"train", 0.5}, {"test", 0.5}}}, {"split_by", {{"type", "hash"}, {"column", "c"}}}},
        Json{{"split", {{"train", 0.5}, {"test", 0.5}}},
             {"split_by", {{"type", "time"}, {"column", "t"}, {"at", {2020}}}}}}) {
    SetUp();
    remove("data/9.csv");
    remove("data/00.csv");
    earlier_.reset();
    expect(again(split), "nothing");
    expect(again(split), "5 of 5");
    write_rows("data/5.csv", 11);
    expect(again(split), "5 of 6");
    write_rows("data/2.csv", 12);
    expect(again(split), "5 of 6");
    remove("data/0.csv");
    expect(again(split), "5 of 5");
    write_rows("data/9.csv", 1);  // what 1.csv has
    remove("data/1.csv");
    expect(again(split), "5 of 5");
    write_rows("data/00.csv", 13);
    expect(again(split), "5 of 6");
    remove("data/5.csv");
  }
}

TEST_F(TakeoverTest, AllFilesAreReadWhereATypeChanged) {
  expect(again(), "nothing");
  write("data/1.csv", "a,c,y,t\n1,k1,yes,2000.5\n");
  expect(again(), "0 of 5");
  expect(again(), "5 of 5");
}

TEST_F(TakeoverTest, OtherColumnsAreRefusedThoughTheirFileWasNotRead) {
  again();
  write("data/1.csv", "c,a,y,t\nk1,1,yes,2000\n");
  const Json parameters = {{"target", "y"}};
  const std::map<std::string, std::string> inputs = {{"data", at("data")}, {"statistics", at("learnt/data")}};
  EXPECT_THROW(run(parameters, inputs, "refused", &earlier_), Error);
}

TEST_F(TakeoverTest, WhatNeedsAllRowsTakesNothingOver) {
  const std::map<std::string, std::string> data = {{"data", at("data")}};
  std::optional<Predecessor> left;
  run({{"target", "y"}}, data, "learns-1", &left);
  const Json said = run({{"target", "y"}}, data, "learns-2", &left);
  if (first()) {
    EXPECT_EQ(said.at("files_taken_over"), "0 of 5");
  }
  again(
      {{"split", {{"train", 0.5}, {"test", 0.5}}}, {"split_by", {{"type", "stratified"}, {"column", "c"}}}});
  expect(again({{"split", {{"train", 0.5}, {"test", 0.5}}},
                {"split_by", {{"type", "stratified"}, {"column", "c"}}}}),
         "0 of 5");
}

TEST_F(TakeoverTest, ListedClassesAreNotLearnt) {
  const Json keys = {{"target", "y"},
                     {"classes", {"yes", "no"}},
                     {"scaling", "none"},
                     {"features", {{"numeric", {"a", "t"}}}}};
  const std::map<std::string, std::string> data = {{"data", at("data")}};
  std::optional<Predecessor> left;
  run(keys, data, "listed-1", &left);
  write_rows("data/2.csv", 14);
  const Json said = run(keys, data, "listed-2", &left);
  const Json all = run(keys, data, "listed-3", nullptr);
  if (first()) {
    EXPECT_EQ(said.at("files_taken_over"), "4 of 5");
    expect_same_files("listed-3", "listed-2");
  }
}

}  // namespace
}  // namespace rankflow
