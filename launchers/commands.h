// What each command of `rankflow` does. Every function prints its result and returns the exit code; errors
// are thrown.
#pragma once

#include <string>
#include <vector>

#include "launchers/options.h"

namespace rankflow {

/// `words` is the command line without the program's name, as the ranks get it.
int run_command(const CommandLine& line, const std::vector<std::string>& words);
int plan_command(const CommandLine& line);
int why_command(const CommandLine& line);
int runs_command(const CommandLine& line);
int show_command(const CommandLine& line);
int logs_command(const CommandLine& line);
int download_command(const CommandLine& line);
int dataset_register_command(const CommandLine& line);
int dataset_list_command(const CommandLine& line);
int dataset_show_command(const CommandLine& line);
int dataset_profile_command(const CommandLine& line);
int dataset_diff_command(const CommandLine& line);
int datastore_list_command(const CommandLine& line);
int new_command(const CommandLine& line);
int schema_command();
int reference_command(const CommandLine& line);

/// The command that `words` name.
int carry_out(const std::vector<std::string>& words);

}  // namespace rankflow
