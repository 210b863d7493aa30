#include "runtime/input_resolution.h"

#include <cstdlib>

#include "base/text.h"
#include "fake_specs.h"
#include "io/dataset_registry.h"
#include "store_fixture.h"

namespace rankflow {
namespace {

class InputResolutionTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    put("site.yaml",
        str("datastores:\n  scratch: {path: ", folder / "scratch",
            "}\n  bucket: {uri: 's3://b/top', endpoint: 'http://h:1', credentials: 'env:KEY'}\n"));
    make_directories(folder / "scratch");
    ASSERT_EQ(setenv("RANKFLOW_SITE", (folder / "site.yaml").c_str(), 1), 0);
    for (const char* text : {"a", "b"}) {
      DatasetVersion version;
      version.dataset = "flights";
      version.content = sha256(text);
      version.path = str("/data/", text);
      DatasetRegistry(store.layout()).add(version, {}, [](const DatasetVersion&) { return true; });
    }
  }
  void TearDown() override { unsetenv("RANKFLOW_SITE"); }

  void put(const std::string& name, const std::string& text) {
    write_file_atomically(folder / name, text, false);
  }
  /// The input `x` of a pipeline in the temporary folder that says `input`, and maybe `--input x=…`.
  PipelineInput resolved(const std::string& input, const std::string& option = "",
                         const Json& pinned = Json::object()) {
    const std::string text =
        str("inputs:\n  x: ", input, "\nsteps:\n  s: {type: command, command: [cat, '${{inputs.x}}']}\n");
    const StepSpecs specs = fake_specs();
    Overrides overrides;
    if (!option.empty()) overrides.inputs.emplace_back("x", option);
    Pipeline pipeline = parse_pipeline(text, folder / "p.yaml", specs, overrides);
    resolve_inputs(pipeline, store.layout(), pinned);
    const Pipeline back = pipeline_from_json(to_json(pipeline), specs);
    EXPECT_EQ(back.inputs[0].reference, pipeline.inputs[0].reference);
    EXPECT_EQ(back.inputs[0].content, pipeline.inputs[0].content);
    EXPECT_EQ(back.inputs[0].dataset, pipeline.inputs[0].dataset);
    return pipeline.inputs[0];
  }
  std::string refusal(const std::string& input, const std::string& option = "") {
    std::string message;
    EXPECT_EQ(status_of([&] { resolved(input, option); }, &message), ExitStatus::configuration) << input;
    return message;
  }
};

TEST_F(InputResolutionTest, EveryFormOfADatasetLeadsToItsVersion) {
  for (const char* newest : {"{dataset: flights}", "{dataset: flights@latest}", "{dataset: 'flights:2'}",
                             "flights@latest", "dataset:flights", "dataset:flights:2"}) {
    const PipelineInput input = resolved(newest);
    EXPECT_EQ(input.dataset, "flights:2") << newest;
    EXPECT_EQ(input.path, "/data/b");
    EXPECT_EQ(input.content, sha256("b"));
  }
  EXPECT_EQ(resolved("flights:1").path, "/data/a");
  EXPECT_EQ(resolved("other.csv", "dataset:flights:1").path, "/data/a");
  EXPECT_EQ(resolved("flights:1", "flights@latest").dataset, "flights:2");
  EXPECT_EQ(resolved("flights:1", "/data/c").dataset, "");
  EXPECT_EQ(resolved("flights").path, folder / "flights") << "a name alone is a file";
}

TEST_F(InputResolutionTest, ARunThatGoesOnKeepsItsVersion) {
  const Json pinned = {{"x", {{"reference", "dataset:flights@latest"}, {"dataset", "flights:1"}}}};
  EXPECT_EQ(resolved("flights@latest", "", pinned).dataset, "flights:1");
  EXPECT_EQ(resolved("flights:2", "", pinned).dataset, "flights:2") << "another reference than before";
}

TEST_F(InputResolutionTest, UnknownOnesAreRefusedAtTheirPlace) {
  EXPECT_NE(refusal("{dataset: flihgts}").find("p.yaml:2:3: input \"x\": no dataset \"flihgts\""),
            std::string::npos);
  EXPECT_NE(refusal("{dataset: flihgts}").find("did you mean \"flights\""), std::string::npos);
  EXPECT_NE(refusal("flights:7").find("it has 1 to 2"), std::string::npos);
  EXPECT_NE(refusal("a.csv", "flights:7").find("--input x=flights:7"), std::string::npos);
  EXPECT_NE(refusal("{dataset: 'flights:x'}").find("versions are 1, 2, 3"), std::string::npos);
  EXPECT_NE(refusal("{dataset: ../x}").find("no dataset can be called"), std::string::npos);
  EXPECT_NE(refusal("{dataset: flights, path: a.csv}").find("both"), std::string::npos);
}

TEST_F(InputResolutionTest, PathsInDatastores) {
  EXPECT_EQ(resolved("scratch:flights/2001.csv").path, folder / "scratch/flights/2001.csv");
  EXPECT_EQ(resolved("{path: 'scratch:a.csv'}").path, folder / "scratch/a.csv");
  EXPECT_EQ(resolved("a.csv", "scratch:b.csv").path, folder / "scratch/b.csv");
  const PipelineInput object = resolved("bucket:flights/2001.csv");
  ASSERT_TRUE(object.remote);
  EXPECT_EQ(object.path, "");
  EXPECT_EQ(object.remote->url, "s3://b/top/flights/2001.csv");
  EXPECT_EQ(object.remote->endpoint, "http://h:1");
  EXPECT_EQ(object.remote->credentials.at(""), "env:KEY");
  EXPECT_NE(refusal("bucket:../a.csv").find("leads out of the datastore"), std::string::npos);
  EXPECT_NE(refusal("scrtch:a.csv").find("no datastore \"scrtch\" (did you mean \"scratch\"?)"),
            std::string::npos);
  EXPECT_NE(refusal("scratch:../a.csv").find("leads out of the datastore"), std::string::npos);
  put("old:name.csv", "");
  EXPECT_EQ(resolved("old:name.csv").path, folder / "old:name.csv") << "a file with a colon in its name";
  put("scratch:a.csv", "");
  EXPECT_NE(refusal("scratch:a.csv").find("may be in the datastore"), std::string::npos);
  put("flights:1", "");
  EXPECT_NE(refusal("flights:1").find("may be a dataset, or the file"), std::string::npos);
  EXPECT_EQ(resolved("./flights:1").path, folder / "flights:1");
}

TEST_F(InputResolutionTest, PlacesThatOutputsArePublishedTo) {
  const auto published = [&](const std::string& first, const std::string& second) {
    const auto step = [](const char* name, const std::string& to) {
      return str("  ", name,
                 ": {type: command, command: [a, '${{outputs.o}}'], outputs: [o], publish_to: {o: '", to,
                 "'}}\n");
    };
    const StepSpecs specs = fake_specs();
    Pipeline pipeline =
        parse_pipeline(str("steps:\n", step("a1", first), step("b1", second)), folder / "p.yaml", specs);
    resolve_inputs(pipeline, store.layout());
    return pipeline_from_json(to_json(pipeline), specs);
  };
  const Pipeline both = published("scratch:x", "bucket:results/x");
  EXPECT_EQ(both.steps[0].publish_paths.at("o"), folder / "scratch/x");
  EXPECT_EQ(both.steps[1].publish_locations.at("o").url, "s3://b/top/results/x");
  EXPECT_EQ(both.steps[1].publish_locations.at("o").credentials.at(""), "env:KEY");
  published("scratch:x", "scratch:xy");
  published("bucket:x-1", "bucket:x");
  for (const auto& [first, second] :
       std::vector<std::pair<std::string, std::string>>{{"scratch:x", "scratch:x"},
                                                        {"scratch:x", "scratch:x/y"},
                                                        {"bucket:x/y", "bucket:x"},
                                                        {"bucket:x", "bucket:./x"}}) {
    std::string said;
    EXPECT_EQ(status_of([&] { published(first, second); }, &said), ExitStatus::configuration) << first;
    EXPECT_NE(said.find("each needs a place of its own"), std::string::npos) << said;
  }
  EXPECT_EQ(status_of([&] { published("scratch:x", "bucket:../x"); }), ExitStatus::configuration);
  EXPECT_EQ(status_of([&] { published("scratch:x", "bucket:."); }), ExitStatus::configuration);
  remove_tree(folder / "scratch");
  std::string said;
  EXPECT_EQ(status_of([&] { published("scratch:x", "bucket:x"); }, &said), ExitStatus::configuration);
  EXPECT_NE(said.find(str("the datastore scratch has no folder ", folder / "scratch")), std::string::npos)
      << said;
}

/// "1/a.csv=a.csv 2=more": names and places below the temporary folder.
std::string shown(const PipelineInput& input, const std::string& folder) {
  std::string all;
  for (const SelectionMember& member : input.selection.value_or(Selection{}).members)
    all += str(all.empty() ? "" : " ", member.name, "=", member.path.substr(folder.size()));
  return all;
}

TEST_F(InputResolutionTest, GlobsAndListsNameWhatIsThere) {
  for (const char* file : {"a.csv", "d/1/b.csv", "d/2/b.csv", "d/2/c.txt", "scratch/s.csv", "x[1].csv"}) {
    make_directories(parent_of(folder / file));
    put(file, "");
  }
  const std::string here = folder / "";
  EXPECT_EQ(shown(resolved("d/*/b.csv"), here), "1/b.csv=d/1/b.csv 2/b.csv=d/2/b.csv");
  EXPECT_EQ(shown(resolved("{path: 'd/**/b.csv'}"), here), "1/b.csv=d/1/b.csv 2/b.csv=d/2/b.csv");
  EXPECT_EQ(shown(resolved("['d/2/*', a.csv, d/1, a.csv]"), here),
            "1/b.csv=d/2/b.csv 1/c.txt=d/2/c.txt 2/a.csv=a.csv 3=d/1 4/a.csv=a.csv");
  EXPECT_EQ(shown(resolved("{path: [a.csv], description: one}"), here), "1/a.csv=a.csv");
  EXPECT_EQ(shown(resolved("['scratch:*.csv', 'scratch:s.csv']"), here),
            "1/s.csv=scratch/s.csv 2/s.csv=scratch/s.csv");
  EXPECT_EQ(resolved("'x[1].csv'").path, folder / "x[1].csv") << "a file that is called so";
  EXPECT_FALSE(resolved("'x[1].csv'").selection);
  std::string ten;
  for (int i = 0; i < 10; ++i) ten += "a.csv, ";
  EXPECT_EQ(resolved("[" + ten + "]").selection->members[0].name, "01/a.csv");

  const PipelineInput input = resolved("['d/*', a.csv]");
  EXPECT_EQ(input.path, selection_folder(*input.selection, store.layout()));
  EXPECT_FALSE(exists(input.path)) << "looking makes nothing";
}

TEST_F(InputResolutionTest, OptionsReplaceGlobsAndLists) {
  put("a.csv", "");
  EXPECT_EQ(resolved("['none/*.csv']", folder / "a.csv").path, folder / "a.csv");
  EXPECT_FALSE(resolved("['none/*.csv']", folder / "a.csv").selection);
  EXPECT_EQ(shown(resolved("none", str("[", folder / "a.csv", "]")), folder / ""), "1/a.csv=a.csv");
  EXPECT_EQ(shown(resolved("none", folder / "*.csv"), folder / ""), "a.csv=a.csv");
}

TEST_F(InputResolutionTest, GlobsAndListsThatNameNothingAreRefused) {
  make_directories(folder / "data");
  EXPECT_NE(
      refusal("data/*.csv")
          .find(str("p.yaml:2:3: input \"x\": nothing in the folder ", folder / "data", " matches *.csv")),
      std::string::npos);
  EXPECT_NE(refusal("['none/*.csv']").find(str("there is no folder ", folder / "none")), std::string::npos);
  EXPECT_NE(refusal("a.csv", "b*.csv").find("--input x=b*.csv"), std::string::npos);
  EXPECT_NE(refusal("[]").find("the list is empty"), std::string::npos);
  EXPECT_NE(refusal("[flights@latest]").find("dataset"), std::string::npos);
  EXPECT_NE(refusal("['s3://b/a.csv']").find("URL"), std::string::npos);
  EXPECT_NE(refusal("[a.csv, {path: b}]").find("p.yaml:2:"), std::string::npos);
  std::string message;
  EXPECT_EQ(status_of([&] { resolved("[none.csv]"); }, &message), ExitStatus::io);
  EXPECT_NE(message.find(str("input \"x\": there is no file or folder ", folder / "none.csv")),
            std::string::npos);
}

}  // namespace
}  // namespace rankflow
