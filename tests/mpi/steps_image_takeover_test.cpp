// Images that are taken over from an earlier run, on 1, 2 and 4 ranks: the same bytes as decoding every file gives.
#include "base/text.h"
#include "prepare_fixture.h"
#include "tests/png_file.h"

namespace rankflow {
namespace {

const Json halves = {{"train", 0.5}, {"test", 0.5}};

class ImageTakeoverTest : public PrepareTest {
 protected:
  /// Twenty images, of two classes.
  void fill() {
    comm().barrier();
    if (first()) std::filesystem::remove_all(at("images"));
    comm().barrier();
    for (int i = 0; i < 20; ++i) put(str(i % 3 ? "cat/" : "dog/", 10 + i, ".png"), png_file(3, 5, 1, i));
    earlier_.reset();
  }
  void put(const std::string& name, const std::string& content) const {
    const std::string path = at("images/" + name);
    if (first()) make_directories(path.substr(0, path.rfind('/')));
    write("images/" + name, content);
  }
  void move(const std::string& from, const std::string& to) const {
    comm().barrier();
    if (first()) std::filesystem::rename(at("images/" + from), at("images/" + to));
    comm().barrier();
  }
  void remove(const std::string& name) const {
    comm().barrier();
    if (first()) std::filesystem::remove(at("images/" + name));
    comm().barrier();
  }
  /// Prepares with and without what the run before left; the bytes are equal. Expects what is said of the files.
  void expect(const std::string& wanted, Json parameters, const std::string& labels = "") {
    if (!parameters.contains("rows_per_part")) parameters["rows_per_part"] = 3;
    std::map<std::string, std::string> inputs = {{"images", at("images")}};
    if (!labels.empty()) inputs["labels"] = at(labels);
    const std::string out = str("run-", ++runs_), plain = out + "-plain";
    const Json said = run(parameters, inputs, out, &earlier_);
    const Json all = run(parameters, inputs, plain, nullptr);
    if (first()) {
      EXPECT_EQ(said.value("files_taken_over", "nothing"), wanted);
      for (const char* same : {"rows", "rows_read", "rows_dropped"})
        EXPECT_EQ(said.at(same), all.at(same)) << same;
      expect_same_files(plain, out);
    }
    comm().barrier();
  }
  Json run(const Json& parameters, const std::map<std::string, std::string>& inputs, const std::string& out,
           std::optional<Predecessor>* earlier, RecordingReporter* to = nullptr) const {
    const StepSpecs specs = all_step_specs();
    const auto step = step_factory()("prepare");
    return run_step(*step, *specs.find("prepare"), comm(), parameters, inputs, at(out), earlier, to);
  }

  std::optional<Predecessor> earlier_;
  int runs_ = 0;
};

TEST_F(ImageTakeoverTest, AddedChangedRemovedAndRenamedFiles) {
  for (const Json& keys :
       {Json::object(), Json{{"split", halves}},
        Json{{"split", halves}, {"split_by", {{"type", "stratified"}, {"column", "label"}}}},
        Json{{"image", {{"height", 4}, {"width", 4}, {"channels", 3}}}, {"split", halves}}}) {
    fill();
    expect("nothing", keys);
    expect("20 of 20", keys);
    put("cat/00.png", png_file(3, 5, 1, 100));  // all rows move on by one
    expect("20 of 21", keys);
    put("cat/20.png", png_file(3, 5, 1, 101));
    expect("20 of 21", keys);
    remove("dog/13.png");
    expect("20 of 20", keys);
    move("dog/16.png", "cat/16.png");  // another class, with the same pixels
    expect("20 of 20", keys);
    move("cat/00.png", "dog/99.jpg");
    put("bird/01.png", png_file(3, 5, 1, 102));  // the classes have other numbers
    expect("20 of 21", keys);
    put("bird/02.png", png_file(3, 5, 1, 17));  // what cat/27.png has
    expect("22 of 22", keys);
  }
}

TEST_F(ImageTakeoverTest, ALabelTableThatChangedRulesNothingOut) {
  fill();
  const auto table = [&](int images) {
    std::string text = "file,label\n";
    for (int i = 0; i < images; ++i)
      text += str(i % 3 ? "cat/" : "dog/", 10 + i, ".png,", i % 2 ? "old" : "young", "\n");
    return text;
  };
  write("labels.csv", table(20));
  expect("nothing", Json::object(), "labels.csv");
  put("cat/30.png", png_file(3, 5, 1, 100));
  write("labels.csv", table(20) + "cat/30.png,middling\n");
  expect("20 of 21", Json::object(), "labels.csv");
}

TEST_F(ImageTakeoverTest, DamagedImagesAreLookedAtAgain) {
  fill();
  const Json keys = {{"image", {{"most_damaged", 2}}}};
  put("cat/11.png", "no image");
  expect("nothing", keys);
  put("cat/00.png", png_file(3, 5, 1, 100).substr(0, 60));
  expect("19 of 21", keys);
  put("cat/11.png", png_file(3, 5, 1, 101));
  expect("19 of 21", keys);
}

TEST_F(ImageTakeoverTest, NothingIsTakenOverWhereTheFirstImageAsksForOthers) {
  fill();
  const Json keys = {{"image", {{"most_damaged", 20}}}};
  put("cat/29.png", png_file(3, 5, 3, 100));
  expect("nothing", keys);
  put("bird/00.png", png_file(3, 5, 3, 101));  // now those in grey are the ones that don't fit
  expect("0 of 21", keys);
  expect("2 of 21", keys);
}

class Meddler : public RecordingReporter {
 public:
  explicit Meddler(std::string path) : path_(std::move(path)) {}
  void progress(double, double, const std::string&, const std::string&, const Json&) override {
    write_file_atomically(path_, png_file(3, 5, 1, 200), false);
  }

 private:
  std::string path_;
};

TEST_F(ImageTakeoverTest, AnImageThatChangesMeanwhileIsNoticed) {
  fill();
  Meddler meddler(at("images/cat/11.png"));
  std::string said;
  try {
    run({{"rows_per_part", 3}}, {{"images", at("images")}}, "meddled", nullptr, &meddler);
    ADD_FAILURE() << "prepare did not fail";
  } catch (const Error& e) {
    said = e.message();
  }
  const auto all = comm().all_gather_text(said);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const std::string& text) {
    return text.find("cat/11.png changed while it was read") != std::string::npos;
  })) << said;
}

TEST_F(ImageTakeoverTest, AnEmptySplitIsNoObstacle) {
  fill();
  const Json keys = {{"split", {{"train", 1.0}, {"test", 0.0}}}};
  expect("nothing", keys);
  put("cat/00.png", png_file(3, 5, 1, 100));
  expect("20 of 21", keys);
}

TEST_F(ImageTakeoverTest, AnotherPartSizeReadsTheSameRows) {
  fill();
  expect("nothing", {{"rows_per_part", 7}});
  expect("20 of 20", {{"rows_per_part", 4}});
}

}  // namespace
}  // namespace rankflow
