#include <algorithm>

#include "base/text.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

Fields command_fields() {
  return {
      at_least(
          required(list("command", bindable(text("", "a word of the command")),
                        "The program and its arguments, passed as they are: no shell, so nothing is split or "
                        "expanded. `${{inputs.x}}`, `${{parameters.y}}`, `${{steps.s.outputs.o}}` and "
                        "`${{outputs.o}}` become absolute paths or values")),
          1),
      with_default(
          list("outputs", text("", "an output's name"),
               "Names of the outputs. Each is a folder that exists and is empty when the program starts; "
               "`${{outputs.NAME}}` is its path"),
          Json::array()),
      with_default(
          map("env", bindable(text("", "a variable's value")),
              "Environment variables for the program, part of the fingerprint. Others are passed on, but "
              "a change of theirs does not make the step run again"),
          Json::object()),
      with_default(
          list("code", text("", "a path"),
               "Files and folders that hold the program's code, relative to the pipeline file: when they "
               "change the step runs again. `.rankflowignore` and `.gitignore` leave files out"),
          Json::array()),
      with_default(list("hash", text("", "a glob"),
                        "Further files whose content counts, as globs relative to the pipeline file"),
                   Json::array()),
      with_default(boolean("per_rank",
                           "Start the program on every rank of the step, with RANK, LOCAL_RANK, WORLD_SIZE, "
                           "LOCAL_WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun does; otherwise once"),
                   false),
      not_hashed(with_default(
          boolean("rank_independent",
                  "The outputs are the same on any number of ranks, so that the number is left out of the "
                  "fingerprint"),
          false)),
      with_default(text("folder", "Working directory, relative to the pipeline file"), "."),
      not_hashed(above(number("timeout", "Seconds after which the program is ended and the step fails"), 0)),
  };
}

void check_command(const Json& parameters) {
  std::vector<std::string> seen;
  for (const auto& output : parameters.at("outputs")) {
    const auto name = output.get<std::string>();
    if (!is_plain_name(name)) {
      throw Error(ExitStatus::configuration,
                  str("output name \"", name, "\" may have letters, digits, \"_\", \"-\" and \".\" only"));
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      throw Error(ExitStatus::configuration, str("output \"", name, "\" is listed twice"));
    }
    seen.push_back(name);
  }
  if (parameters.at("command").at(0).get<std::string>().empty()) {
    throw Error(ExitStatus::configuration, "the first word of command, the program, is empty");
  }
  for (const auto& [variable, value] : parameters.at("env").items()) {
    if (variable.empty() || variable.find('=') != std::string::npos) {
      throw Error(ExitStatus::configuration,
                  str("\"", variable, "\" cannot be the name of an environment variable"));
    }
  }
}

}  // namespace

StepSpec command_spec() {
  StepSpec spec;
  spec.type = "command";
  spec.version = 1;
  spec.help = "Runs any program, once or on every rank, and publishes the folders it wrote.";
  spec.fields = command_fields();
  spec.any_inputs = true;
  spec.runs_program = true;
  spec.outputs = [](const Json& parameters) {
    std::vector<OutputSpec> outputs;
    for (const auto& output : parameters.at("outputs")) outputs.push_back({output.get<std::string>(), ""});
    return outputs;
  };
  spec.outputs_help = "those that `outputs` names";
  spec.default_ranks = 1;
  // A program that is started once runs on the step's first rank only, whatever their number.
  spec.depends_on_ranks = [](const Json& parameters) {
    return parameters.at("per_rank").get<bool>() && !parameters.at("rank_independent").get<bool>();
  };
  spec.check = check_command;
  return spec;
}

}  // namespace rankflow
