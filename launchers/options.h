// The command line: commands and options stand once in tables, which make the parser, the help and
// docs/commands.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/pipeline.h"
#include "runtime/plan.h"

namespace rankflow {

struct Option {
  enum class Kind { flag, text, list, integer, number };
  std::string name;
  char letter = 0;  // short form, 0: none
  Kind kind = Kind::flag;
  std::string value;      // what the value is called in the help: "FOLDER"
  std::string otherwise;  // the default, "" where there is none
  std::string help;
  std::vector<std::string> commands;  // that take it; empty: all
  double minimum = 0;                 // integer and number
  bool hidden = false;                // for rankflow's own use
};

struct Command {
  std::string name;
  std::string arguments;  // as in the usage line: "PIPELINE [STEP]"
  std::size_t least = 0, most = 0;
  std::string summary;  // one line
  std::string details;  // paragraphs, may be empty
  bool hidden = false;
};

const std::vector<Option>& option_table();
const std::vector<Command>& command_table();

/// A command line that follows the tables: every value has its type, every option belongs to the command.
class CommandLine {
 public:
  std::string command;
  std::vector<std::string> arguments;

  bool has(const std::string& option) const { return values_.count(option) > 0; }
  bool flag(const std::string& option) const { return has(option); }
  /// The value given, else the default.
  std::string text(const std::string& option) const;
  int integer(const std::string& option) const;
  double number(const std::string& option) const;
  const std::vector<std::string>& list(const std::string& option) const;

  void set(const std::string& option, std::vector<std::string> values) {
    values_[option] = std::move(values);
  }

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

/// `words` without the program's name. `-h` anywhere gives the command "help" with the command as its
/// argument. Throws Error (usage): unknown command or option (did you mean …?), missing or wrong value, too
/// many arguments.
CommandLine parse_command_line(const std::vector<std::string>& words);

/// Of one command, or of the program where `command` is "".
std::string help_text(const std::string& command);
/// docs/commands.md.
std::string commands_markdown();

// What the options of `run`, `plan` and `why` mean to the runtime; rankflow-rank reads them the same way.
Overrides overrides_of(const CommandLine& line);
/// `device`: what `device: auto` means (runtime/device.h).
PlanOptions plan_options_of(const CommandLine& line, int ranks, std::string device);
/// --store, else $RANKFLOW_STORE or ./.rankflow; absolute.
std::string store_of(const CommandLine& line);

}  // namespace rankflow
