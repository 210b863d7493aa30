#include "launchers/dataset_profile.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "launchers/display.h"
#include "launchers/planning_session.h"
#include "launchers/profile_view.h"
#include "steps/specs.h"

namespace rankflow {
namespace {

/// Standard output goes to standard error meanwhile: what the run shows is not what was asked for.
class OutputAside {
 public:
  OutputAside() : kept_(dup(STDOUT_FILENO)) {
    std::fflush(stdout);
    if (kept_ < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
      throw system_error("cannot redirect", "standard output", errno);
  }
  ~OutputAside() {
    std::fflush(stdout);
    dup2(kept_, STDOUT_FILENO);
    ::close(kept_);
  }
  OutputAside(const OutputAside&) = delete;
  OutputAside& operator=(const OutputAside&) = delete;

 private:
  int kept_;
};

using Settings = std::map<std::string, std::string>;  // key → value, as --option has them

constexpr std::string_view indent = "    ";
constexpr std::string_view before_settings = "    inputs: {data: \"${{inputs.data}}\"}\n";

/// What pipeline_text wrote.
Settings remembered_settings(const std::string& file) {
  Settings settings;
  if (!exists(file)) return settings;
  const std::string text = read_file(file);
  const auto begin = text.find(before_settings);
  if (begin == std::string::npos) return settings;
  for (const std::string& line : split(text.substr(begin + before_settings.size()), '\n')) {
    const auto colon = line.find(": ");
    if (!line.starts_with(indent) || colon == std::string::npos) continue;
    settings[line.substr(indent.size(), colon - indent.size())] = line.substr(colon + 2);
  }
  return settings;
}

/// `known` with the texts KEY=VALUE put in; without a value the key is as if it had never been given.
Settings with_options(Settings known, const std::vector<std::string>& options) {
  for (const auto& option : options) {
    const auto equals = option.find('=');
    const std::string key = option.substr(0, equals);
    if (equals == std::string::npos || !is_plain_name(key) || option.find('\n') != std::string::npos) {
      throw Error(
          ExitStatus::usage,
          str("--option ", option, ": a key of the step type profile, \"=\" and a value are expected"),
          "--option header=false");
    }
    known[key] = option.substr(equals + 1);
    if (known[key].empty()) known.erase(key);
  }
  return known;
}

std::string pipeline_text(const DatasetVersion& version, const Settings& settings) {
  std::string text = str("# Made by rankflow dataset profile.\nname: profile\ninputs:\n  data: {dataset: \"",
                         version.title(), "\"}\nsteps:\n  profile:\n    type: profile\n", before_settings);
  for (const auto& [key, value] : settings) text += str(indent, key, ": ", value, "\n");
  return text;
}

/// The words of `rankflow run` for the pipeline at `file`.
std::vector<std::string> run_words(const std::string& file, const StoreLayout& layout, int ranks) {
  return {"run", file, "--store", layout.root, "--ranks", str(ranks)};
}

std::optional<Json> profile_of(const std::string& file, const StoreLayout& layout,
                               const ListRemote& list = list_remote) {
  PlanningSession session(parse_command_line(run_words(file, layout, 1)), file, 1, list);
  const PlannedStep& step = session.planner().steps().at(0);
  if (step.decision != Decision::reuse) return std::nullopt;
  return read_json(session.store().artifact_path(step.outputs.at("profile")) + "/profile.json");
}

/// A file beside another, which takes its place where it is kept and is removed otherwise.
class TrialFile {
 public:
  explicit TrialFile(std::string file)
      : file_(std::move(file)), path_(str(file_, ".", unique_suffix(), ".tmp")) {}
  ~TrialFile() { ::unlink(path_.c_str()); }
  TrialFile(const TrialFile&) = delete;
  TrialFile& operator=(const TrialFile&) = delete;
  const std::string& path() const { return path_; }
  void keep() {
    if (std::rename(path_.c_str(), file_.c_str()) != 0) throw system_error("cannot replace", file_, errno);
  }

 private:
  std::string file_, path_;
};

/// The profile that the pipeline at `file` makes, run where it is not known yet.
Json profile_by(const std::string& file, const StoreLayout& layout, const DatasetVersion& version,
                int ranks) {
  if (auto known = profile_of(file, layout)) return *std::move(known);
  const auto words = run_words(file, layout, ranks);
  {
    OutputAside aside;
    const int ended = run_command(parse_command_line(words), words);
    if (ended != code(ExitStatus::ok)) {
      throw Error(static_cast<ExitStatus>(ended), str("the profile of ", version.title(), " was not made"),
                  str("rankflow show latest --store ", layout.root));
    }
  }
  if (auto made = profile_of(file, layout)) return *std::move(made);
  throw Error(ExitStatus::io, str("the profile of ", version.title(), " was made, but is not in the store"),
              "the same command again");
}

}  // namespace

std::optional<Json> known_profile(const StoreLayout& layout, const DatasetVersion& version) {
  const std::string file = layout.profile_pipeline(version.dataset, version.version);
  if (!exists(file)) return std::nullopt;
  try {
    // What is only shown asks no server whether data elsewhere are still what was registered.
    return profile_of(file, layout, [&](const Location&) { return version.content; });
  } catch (const Error&) {
    return std::nullopt;  // the data changed or are gone: the profile is not theirs
  }
}

Json make_profile(const StoreLayout& layout, const DatasetVersion& version,
                  const std::vector<std::string>& options, int ranks) {
  const std::string file = layout.profile_pipeline(version.dataset, version.version);
  const std::string text = pipeline_text(version, with_options(remembered_settings(file), options));
  if (exists(file) && read_file(file) == text) return profile_by(file, layout, version, ranks);
  // How a table is written, once said, holds for the next profile too; what did not work is not remembered.
  TrialFile trial(file);
  parse_pipeline(text, file, all_step_specs());
  make_directories(parent_of(file));
  write_file_atomically(trial.path(), text);
  const Json profile = profile_by(trial.path(), layout, version, ranks);
  trial.keep();
  return profile;
}

int dataset_profile_command(const CommandLine& line) {
  const JobEnvironment job = job_environment();
  if (job.in_mpi_job()) {
    throw Error(ExitStatus::usage,
                "rankflow dataset profile starts its ranks itself, and is not for mpirun or srun to start",
                "rankflow dataset profile -n RANKS NAME");
  }
  const StoreLayout layout{store_of(line)};
  const DatasetVersion version = DatasetRegistry(layout).get(parse_dataset_reference(line.arguments.at(0)));
  const Json profile = make_profile(layout, version, line.list("option"), ranks_of(line, job));
  const std::string title = str("dataset ", version.title());
  if (line.has("html")) {
    const std::string file = absolute_path(line.text("html"));
    write_file_atomically(file, profile_html(profile, title, version.description), false);
    std::fputs(str(file, "\n").c_str(), stderr);
  }
  const Terminal terminal = terminal_of_tables(line.text("color"));
  const std::string text = line.flag("json") ? profile.dump(2) + "\n"
                                             : profile_text(profile, title, terminal.width, terminal.color);
  std::fputs(text.c_str(), stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
