#include "launchers/options.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace rankflow {
namespace {

std::string refusal(const std::vector<std::string>& words) {
  try {
    parse_command_line(words);
  } catch (const Error& e) {
    EXPECT_EQ(e.status(), ExitStatus::usage);
    return e.message();
  }
  return "accepted";
}

TEST(Options, run_with_everything) {
  const auto line =
      parse_command_line({"run", "p.yaml", "-n", "4", "--set", "a=1", "--set=b.c=x=y", "--input", "d=in.csv",
                          "--force", "s", "--force-all", "--restarts", "0", "-q"});
  EXPECT_EQ(line.command, "run");
  EXPECT_EQ(line.arguments, std::vector<std::string>{"p.yaml"});
  EXPECT_EQ(line.integer("ranks"), 4);
  EXPECT_EQ(line.integer("restarts"), 0);
  EXPECT_TRUE(line.flag("quiet"));
  EXPECT_FALSE(line.flag("json"));
  const auto overrides = overrides_of(line);
  EXPECT_EQ(overrides.set, (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b.c", "x=y"}}));
  EXPECT_EQ(overrides.inputs[0].second, "in.csv");
  const auto plan = plan_options_of(line, 4, "cpu");
  EXPECT_TRUE(plan.force_all);
  EXPECT_EQ(plan.force, std::vector<std::string>{"s"});
  EXPECT_EQ(plan.ranks, 4);
}

TEST(Options, defaults_come_from_the_table) {
  const auto line = parse_command_line({"run", "p.yaml"});
  EXPECT_EQ(line.integer("restarts"), 3);
  EXPECT_EQ(line.number("hang-limit"), 300);
  EXPECT_EQ(line.text("color"), "auto");
  EXPECT_FALSE(line.has("ranks"));
  EXPECT_EQ(parse_command_line({"logs"}).text("run"), "latest");
}

TEST(Options, mistakes_are_named) {
  EXPECT_EQ(refusal({"rum", "p"}), "unknown command \"rum\" (did you mean \"run\"?)");
  EXPECT_EQ(refusal({"run", "p", "--forse", "x"}), "unknown option --forse (did you mean \"--force\"?)");
  EXPECT_EQ(refusal({"plan", "p", "--quiet"}), "rankflow plan has no option --quiet; it belongs to run");
  EXPECT_EQ(refusal({"run"}), "rankflow run: an argument is missing");
  EXPECT_EQ(refusal({"run", "a", "b"}), "rankflow run: one argument too many: \"b\"");
  EXPECT_EQ(refusal({"run", "p", "-n", "0"}), "--ranks 0: at least 1");
  EXPECT_EQ(refusal({"run", "p", "--restarts", "-1"}), "--restarts -1: at least 0");
  EXPECT_EQ(refusal({"run", "p", "--color", "blue"}), "--color blue: auto, always or never is expected");
  EXPECT_EQ(refusal({"--store", "x"}), "a command is expected before --store");
  EXPECT_NE(refusal({"run", "p", "-n", "two"}), "accepted");
  EXPECT_NE(refusal({"run", "p", "-n"}), "accepted");
  EXPECT_NE(refusal({"run", "p", "--quiet", "--quiet=3"}), "accepted");
  EXPECT_NE(refusal({"run", "p", "--forc", "x"}), "accepted") << "no abbreviations";
  EXPECT_NE(refusal({"run", "--arguments", "p"}), "accepted");
}

TEST(Options, a_command_may_have_two_words) {
  const auto line = parse_command_line({"dataset", "register", "d", "in.csv", "--tag", "a=1"});
  EXPECT_EQ(line.command, "dataset register");
  EXPECT_EQ(line.arguments, (std::vector<std::string>{"d", "in.csv"}));
  EXPECT_EQ(line.list("tag"), std::vector<std::string>{"a=1"});
  EXPECT_NE(refusal({"dataset"}).find("rankflow dataset is followed by register, list"), std::string::npos);
  EXPECT_EQ(refusal({"dataset", "lst"}), "unknown command \"dataset lst\" (did you mean \"dataset list\"?)");
  EXPECT_EQ(refusal({"dataset", "show"}), "rankflow dataset show: an argument is missing");
  EXPECT_EQ(parse_command_line({"dataset", "show", "-h"}).arguments,
            std::vector<std::string>{"dataset show"});
  EXPECT_EQ(parse_command_line({"dataset", "--help"}).arguments, std::vector<std::string>{"dataset"});
  EXPECT_NE(help_text("dataset").find("dataset register"), std::string::npos);
}

TEST(Options, a_pair_needs_its_name) {
  for (const char* wrong : {"a", "=1"}) {
    EXPECT_THROW(overrides_of(parse_command_line({"run", "p", "--set", wrong})), Error) << wrong;
  }
}

TEST(Options, help_is_reached_every_way) {
  for (const auto& words : std::vector<std::vector<std::string>>{{}, {"help"}, {"--help"}, {"-h"}}) {
    EXPECT_EQ(parse_command_line(words).command, "help");
  }
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"help", "run"}, {"run", "--help"}, {"run", "p", "-h"}}) {
    const auto line = parse_command_line(words);
    EXPECT_EQ(line.command, "help");
    EXPECT_EQ(line.arguments, std::vector<std::string>{"run"});
  }
  EXPECT_EQ(parse_command_line({"--version"}).command, "version");
}

TEST(Options, every_option_belongs_to_commands_that_exist) {
  for (const auto& option : option_table()) {
    for (const auto& name : option.commands) EXPECT_NO_THROW(help_text(name)) << option.name;
  }
}

TEST(Options, help_and_documents_name_every_option_but_the_hidden) {
  const auto documents = commands_markdown();
  for (const auto& option : option_table()) {
    const bool named =
        documents.find("--" + option.name + (option.value.empty() ? "`" : " ")) != std::string::npos;
    EXPECT_EQ(named, !option.hidden) << option.name;
  }
  const auto help = help_text("run");
  EXPECT_NE(help.find("  -n, --ranks N\n"), std::string::npos) << help;
  EXPECT_NE(help.find("Default: 3"), std::string::npos);
  EXPECT_EQ(help.find("run-id"), std::string::npos);
}

}  // namespace
}  // namespace rankflow
