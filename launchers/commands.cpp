#include "launchers/commands.h"

#include <cstdio>

#include "base/error.h"
#include "base/text.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return code(ExitStatus::ok);
}

}  // namespace

int schema_command() {
  return print(pipeline_json_schema(all_step_specs()).dump(2) + "\n");
}

int reference_command(const CommandLine& line) {
  const std::string& what = line.arguments.at(0);
  if (what == "commands") return print(commands_markdown());
  if (what == "pipeline") return print(pipeline_reference_markdown(all_step_specs()));
  throw Error(ExitStatus::usage, str("there is no reference of \"", what, "\""), "commands or pipeline");
}

int carry_out(const std::vector<std::string>& words) {
  const CommandLine line = parse_command_line(words);
  const std::string& command = line.command;
  if (command == "run") return run_command(line, words);
  if (command == "plan") return plan_command(line);
  if (command == "why") return why_command(line);
  if (command == "runs") return runs_command(line);
  if (command == "show") return show_command(line);
  if (command == "logs") return logs_command(line);
  if (command == "download") return download_command(line);
  if (command == "dataset register") return dataset_register_command(line);
  if (command == "dataset list") return dataset_list_command(line);
  if (command == "dataset show") return dataset_show_command(line);
  if (command == "dataset profile") return dataset_profile_command(line);
  if (command == "dataset diff") return dataset_diff_command(line);
  if (command == "datastore list") return datastore_list_command(line);
  if (command == "new") return new_command(line);
  if (command == "schema") return schema_command();
  if (command == "reference") return reference_command(line);
  if (command == "version") return print("rankflow " RANKFLOW_VERSION "\n");
  if (command == "help") return print(help_text(join(line.arguments, " ")));
  throw Error(ExitStatus::internal, str("command ", command, " does nothing"));
}

}  // namespace rankflow
