#include "launchers/templates.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "launchers/commands.h"
#include "runtime/pipeline.h"
#include "steps/specs.h"
#include "temporary_folder.h"

namespace rankflow {
namespace {

TEST(Templates, each_is_a_valid_pipeline_named_after_it) {
  const StepSpecs specs = all_step_specs();
  const TemporaryFolder folder;
  ASSERT_FALSE(templates().empty());
  for (const auto& t : templates()) {
    const std::string file = folder / (t.name + ".yaml");
    write_file_atomically(file, t.text, false);
    try {
      EXPECT_EQ(load_pipeline(file, specs).name, t.name);
    } catch (const Error& e) {
      ADD_FAILURE() << describe(e);
    }
  }
}

TEST(Templates, the_example_of_the_format_is_valid) {
  const StepSpecs specs = all_step_specs();
  const auto pipeline = load_pipeline(RANKFLOW_SOURCE_DIR "/configs/minimal.yaml", specs);
  EXPECT_EQ(pipeline.steps.size(), 3u);
}

TEST(Documents, commands_are_those_of_the_tables) {
  EXPECT_EQ(read_file(RANKFLOW_SOURCE_DIR "/docs/commands.md"), commands_markdown())
      << "rankflow reference commands > docs/commands.md";
}

TEST(Documents, keys_are_those_of_the_tables) {
  const std::string reference = pipeline_reference_markdown(all_step_specs());
  EXPECT_TRUE(read_file(RANKFLOW_SOURCE_DIR "/docs/pipeline.md").ends_with("\n\n" + reference))
      << "replace the reference in docs/pipeline.md by the output of: rankflow reference pipeline";
}

TEST(Commands, new_writes_a_template_once) {
  const TemporaryFolder folder;
  const std::string file = folder / "mine.yaml";
  EXPECT_EQ(carry_out({"new", "minimal", file}), 0);
  EXPECT_EQ(read_file(file), templates()[0].text);
  EXPECT_THROW(carry_out({"new", "minimal", file}), Error);
  EXPECT_THROW(carry_out({"new", "minimol", file}), Error);
}

}  // namespace
}  // namespace rankflow
