#include <cstdio>
#include <limits>

#include "base/error.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "launchers/display.h"
#include "launchers/run_view.h"
#include "launchers/text_table.h"
#include "runtime/run_record.h"

namespace rankflow {
namespace {

constexpr std::size_t newest = 20;

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

Color color_of(const std::string& status) {
  return status == "done" ? Color::green : status == "failed" ? Color::red : Color::yellow;
}

/// "3 done, 2 reused".
std::string step_counts(const Json& record) {
  std::vector<std::string> parts;
  for (const char* status : {"done", "reused", "failed", "skipped", "stopped", "running", "waiting"}) {
    std::size_t n = 0;
    for (const auto& step : record.value("steps", Json::object())) n += text_of(step, "status") == status;
    if (n) parts.push_back(str(n, " ", status));
  }
  return join(parts, ", ");
}

std::string seconds_of(const Json& record) {
  return record.contains("seconds") ? human_seconds(record["seconds"].get<double>()) : "";
}

std::string header_of(const Json& record) {
  const Json git = record.value("git", Json());
  std::string commit = git.is_object() ? text_of(git, "commit") : "";
  if (git.is_object() && git.value("dirty", false)) commit += ", with uncommitted changes";
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"run", text_of(record, "run")},
      {"pipeline", str(text_of(record, "pipeline"), " (", text_of(record, "pipeline_file"), ")")},
      {"status", text_of(record, "status")},
      {"started", text_of(record, "started")},
      {"took", seconds_of(record)},
      {"ranks", text_of(record, "ranks")},
      {"attempts", record.value("attempts", 1) > 1 ? text_of(record, "attempts") : ""},
      {"command", text_of(record, "command_line")},
      {"commit", commit},
  };
  std::string out;
  for (const auto& [key, value] : lines) {
    if (!value.empty()) out += str(key, std::string(10 - key.size(), ' '), value, "\n");
  }
  return out;
}

std::string metrics_of(const std::vector<StepView>& steps) {
  TextTable table({{"step"}, {"metrics"}});
  for (const auto& step : steps) {
    if (const auto metrics = metrics_text(step.metrics, 1000); !metrics.empty())
      table.add({{step.name}, {metrics}});
  }
  return table.empty() ? "" : str("\n", table.text(0, false));
}

std::string outputs_of(const StoreLayout& store, const Json& record, const std::vector<StepView>& steps) {
  TextTable table({{"output"}, {"folder"}});
  for (const auto& step : steps) {
    // items() refers to its object, so that this needs a name.
    const Json outputs = record["steps"][step.name].value("outputs", Json::object());
    for (const auto& [output, digest] : outputs.items()) {
      if (digest.is_string() && is_digest(digest.get<std::string>())) {
        table.add({{str(step.name, ".", output)}, {store.artifact_data(digest.get<std::string>())}});
      }
    }
  }
  return table.empty() ? "" : str("\n", table.text(0, false));
}

/// Which versions of datasets, what in datastores, and what by globs and lists the run read.
std::string inputs_of(const Json& record) {
  TextTable table({{"input"}, {"dataset"}, {"reference"}, {"path"}});
  const Json inputs = record.value("inputs", Json::object());
  for (const auto& [name, input] : inputs.items()) {
    if (input.contains("paths")) {
      const std::string written = join(input.at("paths").get<std::vector<std::string>>(), ", ");
      table.add({{name}, {""}, {written}, {counted(input.value("matched", std::size_t{0}), "path")}});
    } else if (input.contains("reference")) {
      table.add({{name},
                 {text_of(input, "dataset")},
                 {text_of(input, "reference")},
                 {text_of(input, input.contains("url") ? "url" : "path")}});
    }
  }
  return table.empty() ? "" : str("\n", table.text(0, false));
}

/// What was published to datastores, and what could not be.
std::string published_of(const Json& record, const std::vector<StepView>& steps) {
  TextTable table({{"published"}, {"to"}, {"state"}});
  for (const auto& step : steps) {
    const Json published = record["steps"][step.name].value("published", Json::object());
    for (const auto& [output, target] : published.items()) {
      const std::string problem = text_of(target, "problem");
      table.add({{str(step.name, ".", output)},
                 {text_of(target, "to")},
                 {!problem.empty()                ? problem
                  : target.value("copied", false) ? "copied"
                                                  : "was there"}});
    }
  }
  return table.empty() ? "" : str("\n", table.text(0, false));
}

std::string messages_of(const std::vector<StepView>& steps) {
  std::string out;
  for (const auto& step : steps) {
    if (step.status == "failed" && !step.message.empty())
      out += str("\n", step.name, " failed: ", step.message, "\n");
  }
  return out;
}

}  // namespace

int runs_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  TextTable table(
      {{"run"}, {"pipeline"}, {"status"}, {"steps"}, {"ranks", true}, {"time", true}, {"started"}});
  Json all = Json::array();
  // One more than is shown tells whether there are more.
  auto records = load_runs(layout, line.flag("all") ? std::numeric_limits<std::size_t>::max() : newest + 1);
  const bool more = !line.flag("all") && records.size() > newest;
  if (more) records.pop_back();
  for (Json& record : records) {
    const auto status = text_of(record, "status");
    table.add({{text_of(record, "run")},
               {text_of(record, "pipeline")},
               {status, color_of(status)},
               {step_counts(record)},
               {text_of(record, "ranks")},
               {seconds_of(record)},
               {text_of(record, "started")}});
    record.erase("steps");
    all.push_back(std::move(record));
  }
  const Terminal terminal = terminal_of_tables(line.text("color"));
  std::string out;
  if (line.flag("json")) {
    out = all.dump(2) + "\n";
  } else if (table.empty()) {
    out = str("no runs in ", layout.root, "\n");
  } else {
    out = table.text(terminal.width, terminal.color);
    if (more) out += "… and older ones (--all)\n";
  }
  std::fputs(out.c_str(), stdout);
  return code(ExitStatus::ok);
}

int show_command(const CommandLine& line) {
  const StoreLayout layout{store_of(line)};
  const Json record = load_run(layout, line.arguments.empty() ? "latest" : line.arguments[0]);
  if (line.flag("json")) {
    std::fputs((record.dump(2) + "\n").c_str(), stdout);
    return code(ExitStatus::ok);
  }
  const auto steps = steps_of_record(record);
  const Terminal terminal = terminal_of_tables(line.text("color"));
  const std::string out =
      str(header_of(record), "\n", steps_table(steps, terminal.width, terminal.color, steps.size()),
          messages_of(steps), metrics_of(steps), inputs_of(record), outputs_of(layout, record, steps),
          published_of(record, steps));
  std::fputs(out.c_str(), stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
