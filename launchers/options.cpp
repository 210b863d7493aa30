#include "launchers/options.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "base/text.h"
#include "io/file.h"
#include "io/store.h"

namespace rankflow {
namespace {

namespace po = boost::program_options;

// Boost needs a name for what is no option; nobody types this one.
constexpr const char* positional_name = "(arguments)";

const Command* find_command(const std::string& name) {
  const auto& table = command_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Command& c) { return c.name == name; });
  return found == table.end() ? nullptr : &*found;
}

const Option& find_option(const std::string& name) {
  const auto& table = option_table();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Option& o) { return o.name == name; });
  if (found == table.end()) throw Error(ExitStatus::internal, str("no option --", name, " in the table"));
  return *found;
}

bool takes(const Command& command, const Option& option) {
  return option.commands.empty() ||
         std::find(option.commands.begin(), option.commands.end(), command.name) != option.commands.end();
}

/// Commands whose name begins with this word: "dataset" has "dataset list" and others.
std::vector<const Command*> commands_of_group(const std::string& word) {
  std::vector<const Command*> group;
  for (const auto& command : command_table()) {
    if (command.name.starts_with(word + " ")) group.push_back(&command);
  }
  return group;
}

/// How many of the words name the command: two where the first is a group's.
std::size_t words_of_command(const std::vector<std::string>& words) {
  if (words.size() < 2 || find_command(words[0]) || commands_of_group(words[0]).empty()) return 1;
  return 2;
}

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const auto& command : command_table()) {
    if (!command.hidden) names.push_back(command.name);
  }
  return names;
}

Error usage(const std::string& message, const std::string& hint) {
  return Error(ExitStatus::usage, message, hint);
}

Error unknown_option(const Command& command, const std::string& given) {
  const std::string bare = given.substr(std::min(given.find_first_not_of('-'), given.size()));
  std::vector<std::string> names;
  for (const auto& option : option_table()) {
    if (takes(command, option) && !option.hidden) names.push_back(option.name);
  }
  const auto near = nearest(bare, names);
  std::string what =
      str("unknown option ", given, near.empty() ? "" : str(" (did you mean \"--", near, "\"?)"));
  for (const auto& option : option_table()) {
    if (option.name == bare && !takes(command, option)) {
      what = str("rankflow ", command.name, " has no option --", bare, "; it belongs to ",
                 join(option.commands, ", "));
    }
  }
  return usage(what, str("rankflow help ", command.name));
}

po::options_description parser_of(const Command& command) {
  po::options_description parser;
  for (const auto& option : option_table()) {
    if (!takes(command, option)) continue;
    const std::string names =
        option.letter ? str(option.name, ",", std::string(1, option.letter)) : option.name;
    switch (option.kind) {
      case Option::Kind::flag:
        parser.add_options()(names.c_str(), "");
        break;
      case Option::Kind::list:
        parser.add_options()(names.c_str(), po::value<std::vector<std::string>>()->composing(), "");
        break;
      case Option::Kind::text:
        parser.add_options()(names.c_str(), po::value<std::string>(), "");
        break;
      case Option::Kind::integer:
        parser.add_options()(names.c_str(), po::value<int>(), "");
        break;
      case Option::Kind::number:
        parser.add_options()(names.c_str(), po::value<double>(), "");
        break;
    }
  }
  parser.add_options()(positional_name, po::value<std::vector<std::string>>(), "");
  return parser;
}

void check_range(const Option& option, double value) {
  if (value >= option.minimum) return;
  throw usage(str("--", option.name, " ", value, ": at least ", option.minimum),
              str("--", option.name, " ", option.value));
}

std::vector<std::string> values_of(const Option& option, const po::variable_value& value) {
  switch (option.kind) {
    case Option::Kind::flag:
      return {""};
    case Option::Kind::list:
      return value.as<std::vector<std::string>>();
    case Option::Kind::text:
      return {value.as<std::string>()};
    case Option::Kind::integer:
      check_range(option, value.as<int>());
      return {std::to_string(value.as<int>())};
    case Option::Kind::number:
      check_range(option, value.as<double>());
      return {str(value.as<double>())};
  }
  return {};
}

po::variables_map parse_options(const Command& command, const std::vector<std::string>& words) {
  // No abbreviations: a new option would change what an old script means.
  const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  po::positional_options_description positional;
  positional.add(positional_name, -1);
  po::variables_map values;
  try {
    const auto parser = parser_of(command);
    po::store(po::command_line_parser(words).options(parser).positional(positional).style(style).run(),
              values);
  } catch (const po::unknown_option& e) {
    throw unknown_option(command, e.get_option_name());
  } catch (const po::error& e) {
    throw usage(str("rankflow ", command.name, ": ", e.what()), str("rankflow help ", command.name));
  }
  return values;
}

void check_arguments(const Command& command, const CommandLine& line) {
  const auto given = line.arguments.size();
  if (given >= command.least && given <= command.most) return;
  const std::string what = given < command.least
                               ? "an argument is missing"
                               : str("one argument too many: \"", line.arguments[command.most], "\"");
  throw usage(str("rankflow ", command.name, ": ", what),
              str("rankflow ", command.name, command.arguments.empty() ? "" : " ", command.arguments));
}

std::vector<std::pair<std::string, std::string>> pairs(const std::vector<std::string>& texts,
                                                       const char* option) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw usage(str("--", option, " ", text, ": a name, \"=\" and a value are expected"),
                  str("--", option, " ", find_option(option).value));
    }
    out.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

}  // namespace

std::string CommandLine::text(const std::string& option) const {
  const auto found = values_.find(option);
  return found != values_.end() ? found->second.back() : find_option(option).otherwise;
}

int CommandLine::integer(const std::string& option) const {
  const auto value = text(option);
  return value.empty() ? 0 : std::stoi(value);
}

double CommandLine::number(const std::string& option) const {
  const auto value = text(option);
  return value.empty() ? 0 : std::stod(value);
}

const std::vector<std::string>& CommandLine::list(const std::string& option) const {
  static const std::vector<std::string> none;
  const auto found = values_.find(option);
  return found != values_.end() ? found->second : none;
}

CommandLine parse_command_line(const std::vector<std::string>& words) {
  CommandLine line;
  const std::size_t named = words_of_command(words);
  line.command = words.empty() ? "help" : named == 2 ? str(words[0], " ", words[1]) : words[0];
  if (named == 2 && (words[1] == "-h" || words[1] == "--help")) {
    line.command = "help";
    line.arguments = {words[0]};
    return line;
  }
  if (line.command == "--help" || line.command == "-h") line.command = "help";
  if (line.command == "--version") line.command = "version";
  const Command* command = find_command(line.command);
  if (!command) {
    if (const auto group = commands_of_group(line.command); !group.empty()) {
      std::vector<std::string> names;
      for (const Command* c : group) names.push_back(c->name.substr(line.command.size() + 1));
      throw usage(str("rankflow ", line.command, " is followed by ", join(names, ", ")),
                  str("rankflow help ", line.command));
    }
    const bool option = !line.command.empty() && line.command[0] == '-';
    throw usage(
        option ? str("a command is expected before ", line.command)
               : str("unknown command \"", line.command, "\"", did_you_mean(line.command, command_names())),
        commands_of_group(words[0]).empty() ? "rankflow help" : str("rankflow help ", words[0]));
  }
  const auto first = words.begin() + static_cast<std::ptrdiff_t>(std::min(named, words.size()));
  const auto values = parse_options(*command, {first, words.end()});
  if (values.count("help")) {
    line.arguments =
        command->name == "help" ? std::vector<std::string>{} : std::vector<std::string>{command->name};
    line.command = "help";
    return line;
  }
  if (values.count(positional_name)) line.arguments = values[positional_name].as<std::vector<std::string>>();
  for (const auto& option : option_table()) {
    if (takes(*command, option) && values.count(option.name))
      line.set(option.name, values_of(option, values[option.name]));
  }
  check_arguments(*command, line);
  if (const auto color = line.text("color"); color != "auto" && color != "always" && color != "never") {
    throw usage(str("--color ", color, ": auto, always or never is expected"), "--color auto");
  }
  return line;
}

namespace {

std::string option_heading(const Option& option) {
  return str(option.letter ? str("-", std::string(1, option.letter), ", ") : "", "--", option.name,
             option.value.empty() ? "" : str(" ", option.value));
}

std::string option_help(const Option& option) {
  return str(option.help, option.otherwise.empty() ? "" : str(". Default: ", option.otherwise));
}

/// `text` in lines of at most 76 columns after `indent` blanks.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out, current;
  for (const auto& word : split(text, ' ')) {
    if (!current.empty() && indent + current.size() + 1 + word.size() > 78) {
      out += str(std::string(indent, ' '), current, "\n");
      current.clear();
    }
    current += current.empty() ? word : str(" ", word);
  }
  return str(out, std::string(indent, ' '), current, "\n");
}

std::string usage_line(const Command& command) {
  return str("rankflow ", command.name, command.arguments.empty() ? "" : " ", command.arguments);
}

}  // namespace

namespace {

/// One line per command.
std::string command_lines(const std::vector<const Command*>& commands) {
  std::size_t widest = 0;
  for (const Command* command : commands) widest = std::max(widest, command->name.size());
  std::string out;
  for (const Command* command : commands) {
    out +=
        str("  ", command->name, std::string(widest + 2 - command->name.size(), ' '), command->summary, "\n");
  }
  return out;
}

}  // namespace

std::string help_text(const std::string& name) {
  if (name.empty()) {
    std::vector<const Command*> all;
    for (const auto& command : command_table()) {
      if (!command.hidden) all.push_back(&command);
    }
    return str("rankflow runs machine-learning pipelines on the ranks of an MPI job, and reuses what is "
               "unchanged.\n\n"
               "usage: rankflow COMMAND [ARGUMENTS] [OPTIONS]\n\n",
               command_lines(all)) +
           "\nrankflow help COMMAND explains one. First steps: rankflow new minimal, then rankflow run "
           "minimal.yaml\n";
  }
  if (const auto group = commands_of_group(name); !group.empty()) {
    return str("usage: rankflow ", name, " COMMAND [ARGUMENTS] [OPTIONS]\n\n", command_lines(group),
               "\nrankflow help ", name, " COMMAND explains one.\n");
  }
  const Command* command = find_command(name);
  if (!command)
    throw usage(str("unknown command \"", name, "\"", did_you_mean(name, command_names())), "rankflow help");
  std::string out = str("usage: ", usage_line(*command), " [OPTIONS]\n\n", wrapped(command->summary, 0));
  if (!command->details.empty()) out += str("\n", wrapped(command->details, 0));
  out += "\noptions:\n";
  for (const auto& option : option_table()) {
    if (takes(*command, option) && !option.hidden)
      out += str("  ", option_heading(option), "\n", wrapped(option_help(option), 6));
  }
  return out;
}

std::string commands_markdown() {
  std::string out =
      "# Commands\n\nMade by `rankflow reference commands` from the tables that the parser uses.\n\n"
      "| command | what it does |\n| --- | --- |\n";
  auto cell = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) text.insert(at, "\\");
    return text;
  };
  for (const auto& command : command_table()) {
    if (!command.hidden) out += str("| `", cell(usage_line(command)), "` | ", cell(command.summary), " |\n");
  }
  for (const auto& command : command_table()) {
    if (command.hidden) continue;
    out += str("\n## ", command.name, "\n\n    ", usage_line(command), " [OPTIONS]\n");
    if (!command.details.empty()) out += str("\n", command.details, "\n");
    out += "\n| option | meaning |\n| --- | --- |\n";
    for (const auto& option : option_table()) {
      if (!takes(command, option) || option.hidden) continue;
      out += str("| `", cell(option_heading(option)), "` | ", cell(option_help(option)), " |\n");
    }
  }
  return out +
         "\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n| 0 | done |\n| 1 | a step failed |\n| 2 | "
         "the command line is "
         "wrong |\n| 65 | an input's content is wrong |\n| 70 | a bug in rankflow |\n| 74 | disk full, an "
         "I/O error, a missing "
         "or unreadable file |\n| 75 | stopped, the same command goes on from there |\n| 77 | the file "
         "system does not allow it "
         "|\n| 78 | a pipeline file or setting is wrong; nothing ran |\n| 130 | interrupted (Ctrl-C); the "
         "same command goes on. Under an `mpirun` or `srun` of your own the code is what that makes of it "
         "|\n";
}

Overrides overrides_of(const CommandLine& line) {
  return {pairs(line.list("set"), "set"), pairs(line.list("input"), "input")};
}

PlanOptions plan_options_of(const CommandLine& line, int ranks, std::string device) {
  PlanOptions options;
  options.only = line.list("only");
  options.from = line.list("from");
  options.force = line.list("force");
  options.force_all = line.flag("force-all");
  options.ranks = ranks;
  options.device = std::move(device);
  return options;
}

std::string store_of(const CommandLine& line) {
  return absolute_path(line.has("store") ? line.text("store") : default_store());
}

}  // namespace rankflow
