#include <cstdio>
#include <set>

#include "base/error.h"
#include "base/text.h"
#include "io/file.h"
#include "launchers/commands.h"
#include "launchers/display.h"
#include "launchers/planning_session.h"
#include "launchers/run_view.h"
#include "launchers/text_table.h"
#include "runtime/binding.h"
#include "runtime/explain.h"
#include "runtime/input_resolution.h"
#include "runtime/run_record.h"

namespace rankflow {
namespace {

constexpr std::size_t most_reused = 30;  // lines of steps that nothing happens to

Color color_of(Decision decision) {
  return decision == Decision::run         ? Color::green
         : decision == Decision::undecided ? Color::yellow
                                           : Color::dim;
}

/// "input flights: dataset flights:3 (flights@latest)", a line for each input that is a dataset, in a datastore, a glob or a list.
std::string reference_line(const PipelineInput& input) {
  if (input.selection) {
    std::vector<std::string> written;
    for (const InputPath& one : input.paths) written.push_back(one.written());
    return str("input ", input.name, ": ", counted(input.selection->members.size(), "path"), " (",
               join(written, ", "), ")\n");
  }
  const std::string what = !input.dataset.empty() ? str("dataset ", input.dataset)
                           : input.remote         ? shown(*input.remote)
                                                  : input.path;
  return input.reference.empty() ? "" : str("input ", input.name, ": ", what, " (", input.reference, ")\n");
}

std::string references_text(const Pipeline& pipeline) {
  std::string out;
  for (const auto& input : pipeline.inputs) out += reference_line(input);
  return out.empty() ? "" : out + "\n";
}

/// The same for what one step reads.
std::string references_of(const Pipeline& pipeline, const PipelineStep& step) {
  std::set<std::string> read;
  const auto look_at = [&](const std::string& text) {
    for (const Binding& b : parse_bindings(text)) {
      if (b.kind == Binding::Kind::input) read.insert(b.name);
    }
  };
  for (const auto& [name, text] : step.inputs) look_at(text);
  look_at(step.parameters.dump());
  std::string out;
  for (const auto& input : pipeline.inputs) {
    const std::string line = read.contains(input.name) ? reference_line(input) : "";
    if (!line.empty()) out += str("  ", line);
  }
  return out;
}

std::string plan_text(const PlanningSession& session, const Planner& planner, std::size_t width, bool color) {
  TextTable table({{"step"}, {"type"}, {"decision"}, {"why"}});
  std::size_t run = 0, undecided = 0, reused = 0, hidden = 0;
  for (std::size_t i = 0; i < planner.steps().size(); ++i) {
    const PlannedStep& planned = planner.steps()[i];
    run += planned.decision == Decision::run;
    undecided += planned.decision == Decision::undecided;
    reused += planned.decision == Decision::reuse;
    const bool uneventful = planned.decision == Decision::reuse || planned.decision == Decision::leave;
    if (uneventful && i >= most_reused) {
      ++hidden;
      continue;
    }
    const std::string why =
        planned.record ? str("unchanged since run ", planned.record->run) : join(planned.reasons, "; ");
    table.add({{session.pipeline().steps[i].name},
               {session.pipeline().steps[i].type},
               {name(planned.decision), color_of(planned.decision)},
               {why}});
  }
  std::string out = str(references_text(session.pipeline()), table.text(width, color));
  if (hidden) out += str("… and ", hidden, " more that are reused or left out\n");
  return str(out, "\n", counted(run, "step"), " to run, ", undecided, " that may run, ", reused, " reused\n");
}

/// PIPELINE and STEP are told apart in either order: only one of them is a file.
bool step_comes_first(const CommandLine& line) {
  return line.arguments.size() == 2 && !exists(line.arguments[0]) && exists(line.arguments[1]);
}

/// PIPELINE, --file, or the file of the latest run.
std::string pipeline_file_of(const CommandLine& line) {
  if (line.arguments.size() == 2) return line.arguments[step_comes_first(line) ? 1 : 0];
  if (line.has("file")) return line.text("file");
  const Json latest = load_run({store_of(line)}, "latest");
  return latest.at("pipeline_file").get<std::string>();
}

struct Explanation {
  std::vector<std::string> lines;
  std::string compared_with;  // run, "" where there was none
};

Explanation explain(const StoreLayout& layout, const Pipeline& pipeline, const PlannedStep& planned,
                    const std::string& step) {
  Explanation out;
  const auto before = newest_run_with_step(layout, absolute_path(pipeline.file), step);
  if (before) {
    out.compared_with = before->at("run").get<std::string>();
    const Json& entry = before->at("steps").at(step);
    if (!planned.fingerprint.empty()) {
      out.lines = explain_change(entry.at("ingredients"), entry.value("labels", Json::object()),
                                 planned.ingredients, planned.labels);
    }
  }
  return out;
}

std::string why_text(const std::string& step, const PlannedStep& planned, const Explanation& explanation) {
  std::string out = str("step ", step, ": ");
  const std::string& run = explanation.compared_with;
  switch (planned.decision) {
    case Decision::reuse:
      out += str("reuse, unchanged since run ", planned.record ? planned.record->run : run, " made it\n");
      break;
    case Decision::leave:
      out += "left out by --only or --from\n";
      break;
    case Decision::undecided:
      out += "depends on what earlier steps will give\n";
      break;
    case Decision::run:
      out += run.empty() ? "runs; no run of this pipeline file had it before\n" : "runs\n";
      break;
  }
  for (const auto& reason : planned.record ? std::vector<std::string>{} : planned.reasons) {
    out += str("  ", reason, "\n");
  }
  if (!explanation.lines.empty()) out += str("changed since run ", run, ":\n");
  for (const auto& change : explanation.lines) out += str("  ", change, "\n");
  if (explanation.lines.empty() && !run.empty() && planned.decision == Decision::run) {
    out += str("nothing that its result depends on changed since run ", run, "\n");
  }
  return out;
}

}  // namespace

int plan_command(const CommandLine& line) {
  PlanningSession session(line, line.arguments.at(0), ranks_of(line, job_environment()));
  const Terminal terminal = terminal_of_tables(line.text("color"));
  const std::string text = line.flag("json")
                               ? plan_json(session.planner()).dump(2) + "\n"
                               : plan_text(session, session.planner(), terminal.width, terminal.color);
  std::fputs(text.c_str(), stdout);
  return code(ExitStatus::ok);
}

int why_command(const CommandLine& line) {
  const std::string& step = step_comes_first(line) ? line.arguments.front() : line.arguments.back();
  PlanningSession session(line, pipeline_file_of(line), ranks_of(line, job_environment()));
  const std::size_t index = session.pipeline().index_of(step);
  const PlannedStep& planned = session.planner().steps()[index];
  const auto explanation = explain(session.store().layout(), session.pipeline(), planned, step);
  const Json json = {{"step", step},
                     {"decision", name(planned.decision)},
                     {"reasons", planned.reasons},
                     {"compared_with", explanation.compared_with},
                     {"changes", explanation.lines},
                     {"inputs", describe_inputs(session.pipeline())}};
  const std::string text = line.flag("json")
                               ? json.dump(2) + "\n"
                               : str(why_text(step, planned, explanation),
                                     references_of(session.pipeline(), session.pipeline().steps[index]));
  std::fputs(text.c_str(), stdout);
  return code(ExitStatus::ok);
}

}  // namespace rankflow
