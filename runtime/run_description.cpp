#include "runtime/run_description.h"

#include "base/clock.h"
#include "base/sha256.h"
#include "base/text.h"
#include "io/file.h"
#include "runtime/input_resolution.h"

namespace rankflow {

void describe_run(RunRecord& record, const Pipeline& pipeline, const std::vector<std::string>& command_line) {
  Json& run = record.json();
  run["pipeline"] = pipeline.name;
  run["pipeline_file"] = absolute_path(pipeline.file);
  run["pipeline_digest"] = sha256(read_file(pipeline.file));
  run["inputs"] = describe_inputs(pipeline);
  if (!run.contains("started")) run["started"] = utc_now();
  // A supervisor wrote what the user typed; ranks get more than that.
  if (!run.contains("command_line")) run["command_line"] = join(command_line, " ");
  run["versions"]["rankflow"] = RANKFLOW_VERSION;
}

void describe_work(RunRecord& record, const Pipeline& pipeline, const Planner& planner,
                   const Json& versions) {
  Json& run = record.json();
  run["git"] = git_state(pipeline.folder);
  run["versions"].update(versions);
  write_file_atomically(record.layout().pipeline(), to_json(pipeline).dump(1) + "\n", false);
  write_file_atomically(record.layout().plan(), plan_json(planner).dump(1) + "\n", false);
}

void tell_damage(RunRecord& record, const Planner& planner, RunObserver& observer) {
  for (std::size_t i = 0; i < planner.steps().size(); ++i) {
    const std::string &damage = planner.steps()[i].damage, &step = planner.pipeline().steps[i].name;
    if (damage.empty() || record.json().value("damaged", Json::object()).contains(step)) continue;
    record.json()["damaged"][step] = damage;
    observer.on_event({{"event", "note"},
                       {"level", "warning"},
                       {"text", str("step ", step,
                                    ": its earlier output is no longer whole and is made again: ", damage)}});
  }
}

}  // namespace rankflow
